"""The columns of a file that is to be imported, as they are chosen: what stands in each, and what it may become."""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.importing.mapping import ATTRIBUTE, FIELDS, IGNORE, attribute_key
from contacts.masking import masked_within
from contacts.models import ContactImport

SAMPLES = 3

_FIELD_WORDS = {
    "phone": _("Number"),
    "name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "language": _("Language"),
    "time_zone": _("Time zone"),
    "country": _("Country"),
    "consent_source": _("Where they agreed to marketing"),
    "consent_at": _("When they agreed to marketing"),
    "opted_out": _("Wants no texts"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file on the mapping page: what stands in it, and what it may become."""

    field: str
    name: str
    samples: list[str]
    chosen: str
    choices: list[tuple[str, str]]


def columns(upload: ContactImport, samples: tuple[tuple[str, ...], ...], *, whole: bool) -> list[Column]:
    """`whole`: numbers in the samples may be seen."""
    seen = str if whole else masked_within
    found = []
    for at, name in enumerate(upload.header):
        chosen = upload.mapping.get(name, IGNORE)
        keys = dict.fromkeys([attribute_key(name) or f"column_{at + 1}", chosen.removeprefix(ATTRIBUTE)])
        attributes = [key for key in keys if key not in FIELDS and key != IGNORE]
        found.append(
            Column(
                field=f"column-{at}",
                name=name,
                samples=[seen(row[at]) for row in samples[:SAMPLES] if at < len(row) and row[at]],
                chosen=chosen,
                choices=[
                    (IGNORE, gettext("Leave out")),
                    *((field, str(word)) for field, word in _FIELD_WORDS.items()),
                    *(
                        (f"{ATTRIBUTE}{key}", gettext("For templates: {{ %(key)s }}") % {"key": key})
                        for key in attributes
                    ),
                ],
            )
        )
    return found
