"""A message of the login's own: found, canceled, emptied of its text, or taken from its list."""

from typing import Any
from uuid import UUID

from django.db import transaction

from delivery import redaction, submit
from delivery.models import Inbound, Message, Submission
from delivery.states import FINAL
from smshub.twilio_door import logins, resource
from smshub.twilio_door.logins import HEAR, Login
from smshub.twilio_door.refusals import Refused


def fetch(sid: str, login: Login) -> dict[str, Any]:
    """A message that it sent, or a text that was sent to it. Another login's is as if there were none: Refused."""
    message_id = _id(sid)
    submission = Submission.objects.filter(pk=message_id, origin=login.origin).first()
    if submission is not None:
        message = Message.objects.select_related("sender").filter(pk=message_id).first()
        if message is not None:
            return resource.of_message(message, submission.said, login)
    elif HEAR in login.scopes:
        inbound = Inbound.objects.filter(pk=message_id).first()
        if inbound is not None and logins.owns_address(login, inbound.recipient, inbound.provider_id):
            return resource.of_text(inbound, login)
    raise Refused(20404)


def cancel(sid: str, login: Login) -> dict[str, Any]:
    """As long as nobody has begun to send it. Raises Refused."""
    message_id = _own(sid, login)
    if not submit.cancel(message_id=message_id):
        raise Refused(30409)
    return fetch(sid, login)


def redact(sid: str, login: Login) -> dict[str, Any]:
    """Empty its text, once it is at its end: before, there would be nothing to send. Raises Refused."""
    message_id = _own(sid, login)
    _at_its_end(message_id)
    redaction.redact_one(message_id)
    return fetch(sid, login)


def delete(sid: str, login: Login) -> None:
    """Empty its text and forget whose it is: the hub's own books keep that it was sent. Raises Refused."""
    message_id = _own(sid, login)
    _at_its_end(message_id)
    with transaction.atomic():
        redaction.redact_one(message_id)
        Submission.objects.filter(pk=message_id, origin=login.origin).delete()


def _own(sid: str, login: Login) -> UUID:
    message_id = _id(sid)
    if not Submission.objects.filter(pk=message_id, origin=login.origin).exists():
        raise Refused(20404)
    return message_id


def _id(sid: str) -> UUID:
    message_id = resource.id_of(sid)
    if message_id is None:
        raise Refused(20404)
    return message_id


def _at_its_end(message_id: UUID) -> None:
    if not Message.objects.filter(pk=message_id, status__in=FINAL).exists():
        raise Refused(20009)
