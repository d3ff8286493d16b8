"""How a message looks through the door: sids, statuses, codes, and the JSON of the Messages resource.

A sid is `SM` and the 32 digits of the message's id, so it is found again without a table.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from delivery.errors import Failure, Suppressed
from delivery.models import Inbound, Message
from delivery.providers.twilio import codes
from delivery.states import Status
from smshub.twilio_door.logins import Login

API_VERSION = "2010-04-01"
ACCOUNTS = f"/{API_VERSION}/Accounts/"

#: Ours → Twilio's (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values). What is in doubt
#: is still being sent, as far as anybody knows.
STATUS: dict[Status, str] = {
    Status.HELD: "queued",
    Status.QUEUED: "queued",
    Status.SENDING: "sending",
    Status.UNCERTAIN: "sending",
    Status.ACCEPTED: "sent",
    Status.SENT: "sent",
    Status.EXPIRED: "failed",
    Status.FAILED: "failed",
    Status.UNDELIVERED: "undelivered",
    Status.DELIVERED: "delivered",
    Status.READ: "read",
    Status.SUPPRESSED: "failed",
    Status.CANCELLED: "canceled",
}
WITH_ERROR = frozenset({"failed", "undelivered"})

#: Why → the error code. Of those that have no code of their own nobody can say more than 30008, "unknown error".
UNKNOWN_ERROR = 30008
ERROR: dict[str, int] = {
    Failure.INVALID_NUMBER: 30005,
    Failure.UNREACHABLE: 30003,
    Failure.OPTED_OUT: 21610,
    Failure.BLOCKED: 30004,
    Failure.FILTERED: 30007,
    Failure.LANDLINE: 30006,
    Failure.DESTINATION: 21408,
    Failure.SENDER: 30024,
    Failure.ACCOUNT: 30002,
    Failure.THROTTLED: 30001,
    Failure.CARRIER: 30017,
    Failure.EXPIRED: 30036,
    Suppressed.MANUAL: 21610,
    Suppressed.NO_SENDER: 21408,
    Suppressed.QUIET_HOURS: 30610,
}


def sid_of(message_id: UUID) -> str:
    return f"SM{message_id.hex}"


def id_of(sid: str) -> UUID | None:
    """The message that a sid is about; None for what is no sid of ours. In whichever case it is repeated."""
    digits = sid[2:].lower()
    if sid[:2] not in ("SM", "MM") or len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits)


def status_of(status: str, reason: str, *, scheduled: bool = False, by_service: bool = False) -> str:
    """Twilio's word. `scheduled`: it waits for the time it was to be sent at, and for nothing else.

    That no receipt ever came ends a message here; with Twilio it stays `sent`, and so it does through the door.
    """
    if scheduled and status == Status.HELD:
        return "scheduled"
    if status == Status.QUEUED and by_service:
        return "accepted"
    if status == Status.EXPIRED and reason == Failure.NO_RECEIPT:
        return "sent"
    return STATUS[Status(status)]


def error_of(word: str, reason: str) -> int | None:
    """The code that belongs to a status in Twilio's word; None where that is no failure."""
    return ERROR.get(reason, UNKNOWN_ERROR) if word in WITH_ERROR else None


def words_of(code: int | None) -> str | None:
    known = codes.meaning(code)
    return known.words if known else None


def of_message(message: Message, said: Mapping[str, Any], login: Login) -> dict[str, Any]:
    """The JSON of an outgoing message, with its sender loaded. Every key is always there."""
    by_service = bool(said.get("service"))
    waits = bool(said.get("send_at")) and not message.waits_for and message.attempt == 1
    status = status_of(message.status, message.reason, scheduled=waits, by_service=by_service)
    code = error_of(status, message.reason)
    is_priced = message.sent_at is not None and message.cost > 0
    return _document(
        login,
        message.pk,
        body=message.body or "",
        date_created=rfc2822(message.created_at),
        date_sent=rfc2822(message.sent_at),
        date_updated=rfc2822(message.final_at or message.sent_at or message.created_at),
        direction="outbound-reply" if said.get("reply") else "outbound-api",
        error_code=code,
        error_message=words_of(code),
        messaging_service_sid=login.service_sid or None if by_service else None,
        num_segments=str(message.segments),
        price=f"-{message.cost:.5f}" if is_priced else None,
        status=status,
        to=message.recipient,
        **{"from": message.sender.address if message.sender else None},
    )


def of_text(inbound: Inbound, login: Login) -> dict[str, Any]:
    """The JSON of a text that came in."""
    return _document(
        login,
        inbound.pk,
        body=inbound.body or "",
        date_created=rfc2822(inbound.received_at),
        date_sent=rfc2822(inbound.received_at),
        date_updated=rfc2822(inbound.received_at),
        direction="inbound",
        error_code=None,
        error_message=None,
        messaging_service_sid=None,
        num_segments="1",
        price=None,
        status="received",
        to=inbound.recipient,
        **{"from": inbound.phone},
    )


def page(messages: Sequence[dict[str, Any]], *, uris: Mapping[str, str | None], number: int, size: int) -> Any:
    """The JSON of a list. `uris` are relative, as the SDKs put their base address in front."""
    start = number * size
    end = start + max(len(messages) - 1, 0)
    return {"messages": messages, "page": number, "page_size": size, "start": start, "end": end, **uris}


def of_account(login: Login) -> dict[str, Any]:
    """What an application asks to see whether its credentials are good. No secret is in it."""
    uri = f"{ACCOUNTS}{login.account_sid}"
    return {
        "sid": login.account_sid,
        "friendly_name": login.name,
        "owner_account_sid": login.account_sid,
        "status": "active",
        "type": "Full",
        "auth_token": None,
        "date_created": None,
        "date_updated": None,
        "subresource_uris": {"messages": f"{uri}/Messages.json"},
        "uri": f"{uri}.json",
    }


def rfc2822(moment: datetime | None) -> str | None:
    """With a numeric zone, as Twilio writes it: Thu, 24 Aug 2023 05:01:45 +0000."""
    return format_datetime(moment.astimezone(UTC)) if moment else None


def _document(login: Login, message_id: UUID, **fields: Any) -> dict[str, Any]:
    uri = f"{ACCOUNTS}{login.account_sid}/Messages/{sid_of(message_id)}"
    return {
        "account_sid": login.account_sid,
        "api_version": API_VERSION,
        **fields,
        "num_media": "0",
        "price_unit": settings.CURRENCY,
        "sid": sid_of(message_id),
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "tags": None,
        "uri": f"{uri}.json",
    }
