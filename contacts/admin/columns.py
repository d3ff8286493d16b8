"""The columns of a file that is to be imported, as they are chosen: what stands in each, and what it may become."""

from dataclasses import dataclass

from contacts.importing.mapping import ATTRIBUTE, FIELDS, IGNORE, attribute_key
from contacts.masking import masked_within
from contacts.models import ContactImport

SAMPLES = 3

_FIELD_WORDS = {
    "phone": "Number",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "language": "Language",
    "time_zone": "Time zone",
    "country": "Country",
    "consent_source": "Where they agreed to marketing",
    "consent_at": "When they agreed to marketing",
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
                    (IGNORE, "Leave out"),
                    *_FIELD_WORDS.items(),
                    *((f"{ATTRIBUTE}{key}", f"For templates: {{{{ {key} }}}}") for key in attributes),
                ],
            )
        )
    return found
