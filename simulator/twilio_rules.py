"""What Twilio's Messages resource accepts, and what it says when it does not.

Codes and magic numbers: https://www.twilio.com/docs/api/errors and
https://www.twilio.com/docs/iam/test-credentials. The HTTP status of 21611 is 429; that of 30409 is assumed to
be 409, as no page gives it.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from simulator.callbacks import target

ERRORS: dict[int, tuple[int, str]] = {
    10001: (400, "Account is not active"),
    20001: (400, "Unknown or invalid parameter"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID"),
    21408: (
        400,
        "Permission to send an SMS is not enabled for the region of the 'To' number",
    ),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' phone number is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (
        400,
        "The 'From' phone number is not an SMS-capable number or short code of your account",
    ),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "The 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The message cannot be sent with the current combination of 'To' and 'From' parameters"),
    21614: (400, "The 'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21635: (400, "The 'To' phone number cannot be a landline"),
    21701: (400, "The Messaging Service does not exist"),
    21703: (400, "The Messaging Service contains no phone numbers"),
    30409: (409, "This message cannot be canceled"),
    35111: (400, "SendAt timestamp is missing"),
    35114: (400, "SendAt must be between the shortest lead time and 35 days in the future"),
    35118: (400, "MessagingServiceSid is required to schedule a message"),
}

_MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_TEST_SENDER = "+15005550006"

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}|(whatsapp|messenger|rcs):\S+")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_CONTENT = re.compile(r"HX[0-9a-f]{32}")
_SEPARATORS = str.maketrans("", "", " -().")
_LONGEST_BODY = 1600
_LONGEST_LEAD = 35 * 86_400


class RefusalError(Exception):
    """The request is answered with this error code."""

    def __init__(self, code: int, message: str | None = None) -> None:
        known = ERRORS.get(code, (400, "The message was refused"))
        self.code = code
        self.status, self.message = known[0], message or known[1]
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Create:
    """A create that is in order. `send_at` is Unix time; `validity` is in seconds."""

    to: str
    sender: str | None
    service: str | None
    body: str
    media: int
    callback_url: str | None
    send_at: float | None
    validity: float | None


def form_fields(raw: bytes) -> list[tuple[str, str]]:
    """RefusalError (20001) for what is not a form of reasonable size."""
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise RefusalError(20001, "The body must be application/x-www-form-urlencoded UTF-8") from None


def check_create(fields: list[tuple[str, str]], senders: Sequence[str], shortest_lead: float) -> Create:
    """RefusalError with the code that Twilio gives. An empty `senders` means that every sender is owned."""
    form = dict(fields)
    to = form.get("To", "").strip()
    if not to:
        raise RefusalError(21604)
    sender, service = _check_sender(form, senders)
    body, media = _check_content(fields, form)
    channel, _, number = to.rpartition(":")
    number = number.translate(_SEPARATORS)
    if channel not in ("", "whatsapp", "rcs", "messenger") or not _PHONE.fullmatch(number):
        raise RefusalError(21211, f"The 'To' number {to} is not a valid phone number")
    if number in _MAGIC_TO:
        raise RefusalError(_MAGIC_TO[number])
    callback_url = form.get("StatusCallback") or None
    if callback_url is not None:
        try:
            target(callback_url)
        except ValueError:
            raise RefusalError(21609) from None
    return Create(
        to=f"{channel}:{number}" if channel else number,
        sender=sender,
        service=service,
        body=body,
        media=media,
        callback_url=callback_url,
        send_at=_check_schedule(form, service, shortest_lead),
        validity=_check_validity(form),
    )


def _check_sender(form: dict[str, str], senders: Sequence[str]) -> tuple[str | None, str | None]:
    sender: str | None = form.get("From", "").strip() or None
    service = form.get("MessagingServiceSid", "").strip() or None
    # A From may also hold a messaging service's sid.
    if sender is not None and _SERVICE.fullmatch(sender):
        sender, service = None, sender
    if service is not None and (not _SERVICE.fullmatch(service) or (senders and service not in senders)):
        raise RefusalError(21701)
    if sender is None:
        if service is None:
            raise RefusalError(21603)
        return None, service
    if sender in _MAGIC_FROM:
        raise RefusalError(_MAGIC_FROM[sender])
    if not _SENDER.fullmatch(sender):
        raise RefusalError(21212, f"The 'From' number {sender} is not a valid number or sender ID")
    if senders and sender not in senders and sender != _TEST_SENDER:
        raise RefusalError(21606)
    return sender, service


def _check_content(fields: list[tuple[str, str]], form: dict[str, str]) -> tuple[str, int]:
    body = form.get("Body", "")
    media = [value for name, value in fields if name == "MediaUrl" and value]
    content = form.get("ContentSid", "")
    if len(media) > 10:
        raise RefusalError(21623)
    if not body and not media and not content:
        raise RefusalError(21602)
    if len(body) > _LONGEST_BODY:
        raise RefusalError(21617)
    if content:
        if not _CONTENT.fullmatch(content):
            raise RefusalError(20001, "ContentSid must be HX and 32 hex digits")
        # Templates are not kept here: the ledger shows which was asked for, with what.
        body = f"{content} {form.get('ContentVariables', '')}".strip()
    return body, len(media)


def _check_schedule(form: dict[str, str], service: str | None, shortest_lead: float) -> float | None:
    if form.get("ScheduleType", "") != "fixed":
        return None
    if service is None:
        raise RefusalError(35118)
    if not form.get("SendAt"):
        raise RefusalError(35111)
    try:
        moment = datetime.fromisoformat(form["SendAt"])
    except ValueError:
        raise RefusalError(35114, "SendAt must be an ISO 8601 time in UTC") from None
    if moment.tzinfo is None:
        raise RefusalError(35114, "SendAt must be an ISO 8601 time in UTC")
    if not shortest_lead <= moment.timestamp() - time.time() <= _LONGEST_LEAD:
        raise RefusalError(35114)
    return moment.timestamp()


def _check_validity(form: dict[str, str]) -> float | None:
    given = form.get("ValidityPeriod", "")
    if not given:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= 36_000:
        raise RefusalError(20001, "ValidityPeriod must be 1..36000 seconds")
    return float(given)
