"""What the hub holds about one person, for them to read: who they are, and what happened, the newest first."""

from collections.abc import Iterator

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns.timeline import timeline
from campaigns.timeline.positions import Kind, Position
from contacts.models import Contact
from contacts.retelling import retold
from delivery.states import Status

#: What only a contact has; a number without one has the rest.
_OF_CONTACTS = frozenset({Kind.APPOINTMENT, Kind.IMPORT})


def pages(phone: str, language: str) -> Iterator[str]:
    """Page by page, so that it takes the same memory for ten texts as for ten thousand. `language`: a tag."""
    contact = Contact.objects.filter(phone=phone).first()
    kinds = frozenset(Kind) if contact else frozenset(Kind) - _OF_CONTACTS
    person = contact or Contact(phone=phone)
    with translation.override(language):
        head = _head(person)
    yield head
    before: Position | None = None
    while True:
        # Not around the yield: whoever takes the pages speaks a language of their own in between.
        with translation.override(language):
            page = timeline.page(person, kinds=kinds, before=before)
            told = "".join(map(_told, page.lines))
        yield told
        if page.before is None:
            return
        before = page.before


def _head(person: Contact) -> str:
    said = {
        _("Number"): person.phone,
        _("Name"): person.name,
        _("Language"): person.language,
        _("Time zone"): person.time_zone,
        _("Country"): person.country,
        **{str(name): str(value) for name, value in person.attributes.items()},
        _("Lists"): ", ".join(person.lists.order_by("name").values_list("name", flat=True)) if person.pk else "",
        _("Known since"): f"{person.created_at:%Y-%m-%d}" if person.pk else "",
    }
    title = _("What is stored about this person, as of %(day)s") % {"day": f"{timezone.now():%Y-%m-%d %H:%M} UTC"}
    return "\n".join([title, "", *(f"{name}: {value}" for name, value in said.items() if value), "", ""])


def _told(line: timeline.Line) -> str:
    status = str(Status(line.status).label) if line.status else ""
    first = " · ".join(filter(None, [f"{line.at:%Y-%m-%d %H:%M} UTC", line.title, status]))
    has_text = line.kind in (Kind.SENT, Kind.RECEIVED)
    text = _("The text is no longer kept.") if has_text and line.text is None else line.text
    below = [*(text or "").splitlines(), *map(retold, line.details)]
    return "\n".join([first, *(f"    {each}" for each in below), "", ""])
