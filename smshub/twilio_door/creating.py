"""What a create asks for, read and checked; and how it becomes a message, in one transaction.

Parameters: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message. Those that the hub cannot
honour and whose absence would change what happens are refused; those that only advise Twilio are passed over, and so is
what nobody knows, as Twilio does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from contacts import phone
from delivery import clock, submissions, wake
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.smart_encoding import to_gsm
from delivery.states import Status
from delivery.submissions import Handed
from delivery.submit import MAX_BODY, Draft, NoWay, SubmitError
from delivery.submitting.drafts import Request
from delivery.uses import NotAllowed
from smshub.twilio_door import logins
from smshub.twilio_door.logins import Login
from smshub.twilio_door.refusals import OF_SUPPRESSION, Refused

#: Seconds; Twilio's bounds of ValidityPeriod.
MOST_VALIDITY = 36_000
#: Twilio's bound of SendAt. That it be some minutes ahead is not asked here.
FURTHEST = timedelta(days=35)
MAX_URL = 500

#: What it is → the lane that it goes in; any other intent: the login's.
LANES: dict[str, Lane] = {
    "otp": Lane.ALERT,
    "fraud": Lane.ALERT,
    "security": Lane.ALERT,
    "marketing": Lane.BULK,
    "announcements": Lane.BULK,
    "events": Lane.BULK,
}

#: Given with a value (any, or one of these), they are refused with this code.
_REFUSED: dict[str, tuple[int, tuple[str, ...]]] = {
    "MediaUrl": (21620, ()),
    "ContentSid": (21655, ()),
    "ContentVariables": (21655, ()),
    "ApplicationSid": (20001, ()),
    "FallbackFrom": (20001, ()),
    "PersistentAction": (20001, ()),
    "SendAsMms": (20001, ("true",)),
    "ShortenUrls": (20001, ("true",)),
    "ContentRetention": (20001, ("discard",)),
    "AddressRetention": (20001, ("obfuscate",)),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A create that is in order."""

    to: str = field(repr=False)
    body: str = field(repr=False)
    sender: Sender | None
    by_service: bool
    callback: str
    lane: Lane
    not_before: datetime | None
    valid_until: datetime | None
    is_reply: bool = False
    reference: bytes | None = None


def read(form: Mapping[str, str], login: Login) -> Order:
    """Raises Refused, in the order in which Twilio looks."""
    for name, (code, values) in _REFUSED.items():
        given = form.get(name, "")
        if given and (not values or given.lower() in values):
            raise Refused(code, f"{name} is not supported by this hub." if code == 20001 else "")
    to = _to(form.get("To", ""))
    sender, by_service = _sender(form, login)
    if sender is not None and sender.address == to:
        raise Refused(21266)
    not_before = _send_at(form)
    return Order(
        to=to,
        body=_body(form),
        sender=sender,
        by_service=by_service,
        callback=callback_url(form.get("StatusCallback", "")),
        lane=LANES.get(form.get("MessageIntent", "").lower(), login.lane),
        not_before=not_before,
        valid_until=_valid_until(form, not_before),
    )


def create(order: Order, login: Login) -> tuple[Message, dict[str, Any]]:
    """The message, committed, and what is kept of it for the door. Raises Refused: then there is none."""
    said: dict[str, Any] = {
        "callback": order.callback,
        "service": order.by_service,
        "reply": order.is_reply,
        "send_at": order.not_before.isoformat() if order.not_before else "",
    }
    said = {name: value for name, value in said.items() if value}
    handed = Handed(
        origin=login.origin,
        draft=Draft(
            recipient=order.to,
            body=order.body,
            lane=order.lane,
            sender=order.sender,
            not_before=order.not_before,
            valid_until=order.valid_until,
            request=Request(api_key_id=login.key_id, is_test=login.is_test),
        ),
        wants_word=bool(order.callback),
        wants_progress=bool(order.callback),
        reference=order.reference,
        said=json.dumps(said),
    )
    with transaction.atomic():
        taken = submissions.take([handed])
        [result] = taken.results
        if isinstance(result, SubmitError):
            raise Refused(21606 if isinstance(result, NoWay) and order.sender else 21612, str(result))
        message = Message.objects.select_related("sender").get(pk=result)
        if message.status == Status.SUPPRESSED and result == handed.draft.id:
            raise Refused(OF_SUPPRESSION.get(message.reason, 21612))
        for provider_id in taken.wake:
            transaction.on_commit(partial(wake.dispatch, provider_id))
    return message, said


def once(order: Order, reference: bytes) -> Order:
    """The same order under a name: another one under the same name, within a day, is this one again."""
    return replace(order, reference=reference)


def callback_url(text: str) -> str:
    """An address that may be posted to, or "". Raises Refused. Where it leads is looked at when it is called."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Refused(21609) from None
    if parts.scheme == "http" and not settings.ALLOW_PRIVATE_WEBHOOK_URLS:
        raise Refused(21609, "StatusCallback must be an https:// address: the number stands in what is posted to it.")
    if not good or len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise Refused(21609)
    return text


def _to(text: str) -> str:
    if not text.strip():
        raise Refused(21604)
    try:
        return phone.normalise(text.strip(), default_country=settings.DEFAULT_COUNTRY).e164
    except phone.InvalidPhone as error:
        raise Refused(21211, f"To is not a number that can be texted. {error.message}") from None


def _sender(form: Mapping[str, str], login: Login) -> tuple[Sender | None, bool]:
    """The sender that is named, and whether the messaging service is. A From may hold the service's sid as well."""
    named, service = form.get("From", "").strip(), form.get("MessagingServiceSid", "").strip()
    if named.startswith("MG") and len(named) == 34:
        named, service = "", named
    if service and service != login.service_sid:
        raise Refused(21701)
    if not named:
        if not service:
            raise Refused(21603)
        return _allowed(None, login), True
    if len(named) > 40 or not named.isprintable():
        raise Refused(21212)
    sender = logins.sender_of(login, named)
    if sender is None:
        raise Refused(21606)
    return _allowed(sender, login), bool(service)


def _allowed(sender: Sender | None, login: Login) -> Sender | None:
    try:
        return logins.use(login).sender(sender)
    except NotAllowed as error:
        raise Refused(21606, str(error)) from None


def _body(form: Mapping[str, str]) -> str:
    body = form.get("Body", "")
    if not body.strip():
        raise Refused(21602)
    if len(body) > MAX_BODY:
        raise Refused(21617)
    return to_gsm(body) if form.get("SmartEncoded", "").lower() == "true" else body


def _send_at(form: Mapping[str, str]) -> datetime | None:
    kind, given = form.get("ScheduleType", ""), form.get("SendAt", "")
    if not kind and not given:
        return None
    if kind != "fixed":
        raise Refused(20001, "A message with a SendAt needs ScheduleType=fixed; there is no other type.")
    if not given:
        raise Refused(35111)
    try:
        moment = datetime.fromisoformat(given)
        ahead = moment - clock.now()
    except (ValueError, TypeError, OverflowError):  # no time, or one without a zone
        raise Refused(35114) from None
    if not timedelta(0) < ahead <= FURTHEST:
        raise Refused(35114)
    return moment.astimezone(UTC)


def _valid_until(form: Mapping[str, str], not_before: datetime | None) -> datetime | None:
    given = form.get("ValidityPeriod", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 5 and 1 <= int(given) <= MOST_VALIDITY):
        raise Refused(20001, f"ValidityPeriod is a number of seconds, from 1 to {MOST_VALIDITY}.")
    return (not_before or clock.now()) + timedelta(seconds=int(given))
