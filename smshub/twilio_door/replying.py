"""What an application answers to a text becomes messages to the person who wrote it, each once."""

import structlog

from delivery.models import Sender
from delivery.submissions import digest
from delivery.uses import NotAllowed
from delivery.words import Heard
from smshub.twilio_door import creating, logins, twiml
from smshub.twilio_door.creating import Order
from smshub.twilio_door.logins import WRITE, Login
from smshub.twilio_door.refusals import Refused

log = structlog.get_logger(__name__)


def reply(answer: bytes, heard: Heard, login: Login) -> int:
    """Send what the TwiML says; returns how many. What cannot be sent is logged: the application waits for no answer.

    Done again, because the word of the text was told again, it sends nothing twice.
    """
    try:
        texts = twiml.replies(answer)
    except twiml.NotTwiml as error:
        log.warning("twilio_reply_not_read", login_id=login.id, why=str(error))
        return 0
    sender = _sender(heard, login) if texts else None
    if texts and (sender is None or WRITE not in login.scopes):
        log.warning("twilio_reply_not_allowed", login_id=login.id)
        return 0
    sent = 0
    for number, text in enumerate(texts):
        order = Order(
            to=heard.phone,
            body=text,
            sender=sender,
            by_service=False,
            callback="",
            lane=login.lane,
            not_before=None,
            valid_until=None,
            is_reply=True,
            reference=digest(b"reply", heard.word.subject.bytes, str(number).encode()),
        )
        try:
            creating.create(order, login)
            sent += 1
        except Refused as refusal:
            log.warning("twilio_reply_refused", login_id=login.id, code=refusal.code)
    return sent


def _sender(heard: Heard, login: Login) -> Sender | None:
    """The one that was written to, if its key still lets it send by that."""
    sender = logins.sender_of(login, heard.recipient)
    try:
        return logins.use(login).sender(sender) if sender else None
    except NotAllowed:
        return None
