"""Everything that the hub holds about one person, as a zip that is made while it is sent.

`person.txt` is for the person to read, `person.json` has it all, texts readable as far as they are kept, and
`consent.pdf` is the proof of consent to print. It is read page by page, so it takes the same memory for ten messages as
for ten thousand.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.utils import translation

from campaigns.models import Appointment, Conversation, LinkedMessage, Plan, Reminder, StaffTask
from contacts.consents.proof import as_pdf, proof
from contacts.models import Contact, Membership, Suppression
from delivery import bodies
from delivery.models import Confirmation, Inbound, Message, MessageEvent, MessageRequest, Reached, Reaction
from smshub.privacy import readable

_PAGE = 500


class _Pipe(io.RawIOBase):
    """What the zip writes until somebody takes it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        taken, self._held = bytes(self._held), bytearray()
        return taken


def export(phone: str) -> Iterator[bytes]:
    """The zip, piece by piece; what is to be read is in the language that is spoken now."""
    return _zip(phone, translation.get_language() or settings.LANGUAGE_CODE)


def _zip(phone: str, language: str) -> Iterator[bytes]:
    pipe = _Pipe()
    found = proof(phone)
    parts = (("person.txt", readable.pages(phone, language)), ("person.json", _document(phone, found)))
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in parts:
            with archive.open(name, "w") as file:
                for piece in pieces:
                    file.write(piece.encode())
                    if held := pipe.take():
                        yield held
        archive.writestr("consent.pdf", as_pdf(found))
        yield pipe.take()
    yield pipe.take()


def _document(phone: str, consents: dict[str, Any]) -> Iterator[str]:
    yield "{" + f'"phone": {json.dumps(phone)}, "consents": {_dump(consents)}'
    for name, rows, shown in _parts(phone):
        yield f', "{name}": ['
        for at, row in enumerate(rows.iterator(chunk_size=_PAGE)):
            yield (", " if at else "") + _dump(shown(row))
        yield "]"
    yield "}"


def _parts(phone: str) -> Iterable[tuple[str, QuerySet[Any], Callable[[Any], dict[str, Any]]]]:
    """Each kind of row that is about this person, and how a row of it is told."""
    yield "contact", Contact.objects.filter(phone=phone), _plain
    yield (
        "lists",
        Membership.objects.filter(contact__phone=phone).select_related("contact_list").order_by("pk"),
        lambda row: {"list": row.contact_list.name, "since": row.created_at},
    )
    yield "suppressions", Suppression.objects.filter(phone=phone).order_by("pk"), _plain
    yield "appointments", Appointment.objects.filter(contact__phone=phone).order_by("pk"), _plain
    yield "plans", Plan.objects.filter(contact__phone=phone).order_by("pk"), _plain
    yield "reminders", Reminder.objects.filter(appointment__contact__phone=phone).order_by("pk"), _plain
    yield "staff_tasks", StaffTask.objects.filter(appointment__contact__phone=phone).order_by("pk"), _plain
    mine = Message.objects.filter(recipient=phone)
    yield "messages", mine.order_by("-id"), _with_body
    yield "message_events", MessageEvent.objects.filter(message__recipient=phone).order_by("message_id", "at"), _plain
    yield "message_requests", MessageRequest.objects.filter(message__recipient=phone).order_by("message_id"), _plain
    yield (
        "links",
        LinkedMessage.objects.filter(message_id__in=mine.values("id")).order_by("message_id", "pk"),
        _with_target,
    )
    yield "reactions", Reaction.objects.filter(message__recipient=phone).order_by("message_id", "at"), _plain
    yield "texts_received", Inbound.objects.filter(phone=phone).order_by("-id"), _with_body
    yield "conversations", Conversation.objects.filter(phone=phone).order_by("pk"), _plain
    yield "confirmations", Confirmation.objects.filter(phone=phone).order_by("pk"), _plain
    yield "frequency_counts", Reached.objects.filter(recipient=phone), _plain


def _plain(row: Model) -> dict[str, Any]:
    """All of its columns but those that are sealed or digests."""
    return {
        field.name: value
        for field in row._meta.concrete_fields
        if not isinstance(value := field.value_from_object(row), bytes | memoryview)
    }


def _with_body(row: Message | Inbound) -> dict[str, Any]:
    return _plain(row) | {"body": row.body}


def _with_target(row: LinkedMessage) -> dict[str, Any]:
    """With where it leads, if that says something of the person."""
    return _plain(row) | {"target": bodies.shown(row.message_id, row.sealed_target)}


def _dump(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
