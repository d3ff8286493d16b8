"""Requests to Twilio's Messages resource and its answers: bytes on one side, outcomes on the other. No I/O.

https://www.twilio.com/docs/messaging/api/message-resource. Forms are built as Twilio's own SDK builds them.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from delivery.providers import forms
from delivery.providers.base import OutboundMessage, Outcome, Question, SendOutcome
from delivery.providers.http import json_object, retry_after_seconds, uncertain
from delivery.providers.twilio import codes

# A receipt that we do not answer is tried five times more (Twilio's most), whatever went wrong: 4xx too,
# since a proxy in front of us gives those during a deployment. A fragment is neither sent nor signed.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
CALLBACK_RETRIES = "#rc=5&rp=all"

_LONGEST_VALIDITY = 36_000
# Between our clock and Twilio's.
_CLOCK_SKEW = timedelta(minutes=5)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_BLAMES_CREDENTIALS = 20003
_THROTTLED = 20429


def create_form(message: OutboundMessage) -> bytes:
    """The body of a create. Raises ValueError for a text that cannot be written in UTF-8."""
    form: list[tuple[str, str]] = [("To", message.recipient)]
    if message.callback_url:
        form.append(("StatusCallback", message.callback_url + CALLBACK_RETRIES))
    if message.validity_seconds is not None:
        form.append(("ValidityPeriod", str(max(1, min(int(message.validity_seconds), _LONGEST_VALIDITY)))))
    by_service = _SERVICE.fullmatch(message.sender)
    form.append(("MessagingServiceSid" if by_service else "From", message.sender))
    form.append(("Body", message.body))
    return forms.encode(form)


def read_answer(message: OutboundMessage, *, status: int, retry_after: str, body: bytes) -> SendOutcome:
    """What the answer to a create says. `retry_after` is the header of that name, or empty."""
    if status >= 500:
        return uncertain(message, f"HTTP {status}")
    answer = json_object(body)
    if 200 <= status < 300:
        sid = answer.get("sid")
        if isinstance(sid, str) and 0 < len(sid) <= 64:
            return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=sid)
        return uncertain(message, f"HTTP {status} without a message SID")
    code = error_code(answer)
    known = codes.meaning(code)
    # By its own code alone: a 429 of something on the way says nothing about a limit of ours.
    slows = known.slows if known else None
    if known is None and status in (401, 429):
        code = _BLAMES_CREDENTIALS if status == 401 else _THROTTLED
        known = codes.CODES[code]
    if known is None and (status < 400 or not code):
        return uncertain(message, f"HTTP {status} without a code of Twilio's")
    known = known or codes.UNKNOWN
    wait = known.retry_after
    return SendOutcome(
        message.id,
        message.attempt,
        known.outcome,
        failure=known.failure,
        code=str(code),
        # Never Twilio's own words: they repeat the number.
        detail=known.words,
        retry_after=None if wait is None else max(wait, retry_after_seconds(retry_after)),
        slows=slows,
    )


def error_code(answer: dict[str, Any]) -> int:
    """The code of an error of Twilio's (the classic shape and RFC 9457 alike); 0 for anything else."""
    code = answer.get("code")
    return code if type(code) is int and 0 < code < 1_000_000 else 0


def on_their_clock(question: Question, date: str) -> Question:
    """The question with its time as Twilio's clock tells it, which an answer's Date header shows, if that is earlier.

    So a database whose clock is ahead does not overlook what Twilio has. One that is behind only looks further back.
    """
    theirs = _moment(date)
    if theirs is None or question.asked_at is None or theirs >= question.asked_at:
        return question
    return replace(question, claimed_at=question.claimed_at - (question.asked_at - theirs))


def may_be(found: dict[str, Any], question: Question) -> bool:
    """Whether a message of Twilio's may be the one asked about.

    To overlook it would mean to send twice, so doubt counts as yes: an account that redacts shows no text,
    and a message that a messaging service has not handed on yet shows no sender.
    """
    if str(found.get("direction") or "").startswith("inbound"):
        return False
    body = found.get("body")
    if body and _plain(str(body)) != _plain(question.body):
        return False
    senders = [found.get("messaging_service_sid"), found.get("from")]
    known = [_bare(str(sender)) for sender in senders if sender]
    if known and _bare(question.sender) not in known:
        return False
    created = _moment(found.get("date_created"))
    return created is None or created >= question.claimed_at - _CLOCK_SKEW


def unlikeness(found: dict[str, Any], question: Question) -> tuple[bool, float]:
    """Sorts what may be the message: the very text before what is in doubt, then the nearest in time."""
    created = _moment(found.get("date_created"))
    apart = abs((created - question.claimed_at).total_seconds()) if created else float("inf")
    return not found.get("body"), apart


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def _bare(sender: str) -> str:
    return sender.rpartition(":")[2].lstrip("+").casefold()


def _moment(text: object) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
