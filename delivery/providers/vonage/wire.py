"""Requests to Vonage's Messages API and its answers: bytes on one side, outcomes on the other. No I/O.

https://developer.vonage.com/en/api/messages, “SMS”, “Text”; the optional fields as Vonage's own SDK has them
(https://github.com/Vonage/vonage-python-sdk, messages/src/vonage_messages/models).
"""

import json
from collections.abc import Mapping
from typing import Any

from delivery.errors import Failure
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome
from delivery.providers.http import json_object, retry_after_seconds, uncertain
from delivery.providers.vonage import codes

# The API for SMS alone takes 20 seconds to 7 days (https://developer.vonage.com/en/api/sms, `ttl`); for this one
# no bounds are given.
_SHORTEST_VALIDITY, _LONGEST_VALIDITY = 20, 604_800


def create_body(message: OutboundMessage) -> bytes:
    """The body of a create. Raises ValueError for a text that cannot be written in UTF-8.

    The token goes out twice: in the address for receipts, and as the reference that every receipt repeats, for
    accounts whose receipts come to one address for all. The encoding is left to Vonage, which detects it.
    """
    request: dict[str, object] = {
        "message_type": "text",
        "channel": "sms",
        "to": message.recipient.removeprefix("+"),
        "from": message.sender.removeprefix("+"),
        "text": message.body,
    }
    if message.callback_url:
        request["client_ref"] = message.token
        request["webhook_url"] = message.callback_url
        request["webhook_version"] = "v1"
    if message.validity_seconds is not None:
        request["ttl"] = max(_SHORTEST_VALIDITY, min(int(message.validity_seconds), _LONGEST_VALIDITY))
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def read_answer(message: OutboundMessage, *, status: int, retry_after: str, body: bytes) -> SendOutcome:
    """What the answer to a create says. `retry_after` is the header of that name, or empty."""
    answer = json_object(body)
    if 200 <= status < 300:
        uuid = answer.get("message_uuid")
        if isinstance(uuid, str) and 0 < len(uuid) <= 64:
            return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=uuid)
        return uncertain(message, f"HTTP {status} without a message's id")
    code = codes.of(answer)
    # By its own code alone: a 429 of something on the way says nothing about a limit of ours.
    slows = codes.CODES[code].slows if code in codes.CODES else None
    if not 400 <= status < 500 or not (code or status in codes.PLAIN):
        return uncertain(message, f"HTTP {status}")
    if code not in codes.CODES:
        code = codes.BY_STATUS.get(status, code)
    known = codes.CODES.get(code, codes.UNKNOWN)
    if known.failure is Failure.UNKNOWN:
        known = _blamed(answer) or known
    wait = known.retry_after
    return SendOutcome(
        message.id,
        message.attempt,
        known.outcome,
        failure=known.failure,
        code=code,
        # Never Vonage's own words: they may repeat the number.
        detail=known.words,
        retry_after=None if wait is None else max(wait, retry_after_seconds(retry_after)),
        slows=slows,
    )


def _blamed(answer: Mapping[str, Any]) -> codes.Meaning | None:
    """What the first parameter that we know of is blamed for."""
    blamed = answer.get("invalid_parameters")
    for each in blamed[:50] if isinstance(blamed, list) else ():
        meaning = codes.BLAMED.get(str(each.get("name"))) if isinstance(each, dict) else None
        if meaning is not None:
            return meaning
    return None
