"""What Vonage posts to us: message statuses and incoming texts, verified and then read.

https://developer.vonage.com/en/messages/concepts/messages-status-callbacks,
https://developer.vonage.com/en/api/messages (webhooks “Message status” and “Inbound message”).
"""

import re
from typing import Any

from delivery.errors import Failure
from delivery.providers.base import BadCallback, Callback, InboundText, ProviderConfig, Receipt
from delivery.providers.http import json_object
from delivery.providers.vonage import codes, signature
from delivery.providers.vonage.account import api_key, signature_secrets
from delivery.states import Status

STATUSES: dict[str, Status] = {
    "submitted": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "rejected": Status.FAILED,
    "undeliverable": Status.UNDELIVERED,
}

_BAD_NEWS = frozenset({Status.FAILED, Status.UNDELIVERED})
_UUID = re.compile(r"[A-Za-z0-9-]{8,64}")
_PHONE = re.compile(r"[1-9][0-9]{6,14}")
# A short code, or the name of a business.
_OTHER_WRITER = re.compile(r"[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_LARGEST_POST = 256 * 1024
_LONGEST_REFERENCE = 100
# The longest SMS that can be: 255 parts of 153 characters.
_LONGEST_BODY = 39_015


def parse_receipts(callback: Callback, config: ProviderConfig) -> list[Receipt]:
    """The receipt of a status; none for a state or a channel that we do not know. Raises BadCallback."""
    posted = _verified(callback, config)
    uuid, state = posted.get("message_uuid"), posted.get("status")
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid) or not isinstance(state, str):
        raise BadCallback("There is no message_uuid or no status.", status=400)
    status = STATUSES.get(state)
    if status is None or posted.get("channel", "sms") != "sms":
        return []
    reference = posted.get("client_ref")
    token = reference if isinstance(reference, str) and len(reference) <= _LONGEST_REFERENCE else ""
    if status not in _BAD_NEWS:
        return [Receipt(uuid, status, token=token)]
    error = posted.get("error")
    code = codes.of(error) if isinstance(error, dict) else ""
    known = codes.CODES.get(code, codes.UNKNOWN)
    if known.failure is Failure.EXPIRED:
        status = Status.EXPIRED
    elif code in codes.FAILURES:
        status = Status.UNDELIVERED
    return [Receipt(uuid, status, known.failure, code, token=token, slows=known.slows)]


def parse_inbound(callback: Callback, config: ProviderConfig) -> InboundText:
    """An incoming text. Raises BadCallback."""
    posted = _verified(callback, config)
    if posted.get("channel", "sms") != "sms":
        raise BadCallback("Only SMS is taken here.", status=400)
    uuid, text = posted.get("message_uuid"), posted.get("text", "")
    writer, recipient = _address(posted.get("from")), _address(posted.get("to"))
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid) or not writer or not recipient:
        raise BadCallback("There is no message_uuid, or no usable from or to.", status=400)
    return InboundText(
        provider_message_id=uuid,
        phone=writer,
        recipient=recipient,
        # Postgres keeps no NUL, and UTF-8 no half of a pair, which JSON can write.
        body=str(text or "").replace("\0", "").encode(errors="replace").decode()[:_LONGEST_BODY],
    )


def _address(given: object) -> str:
    """Vonage writes numbers without a plus, and short codes alike: up to six digits it is a short code."""
    text = given.removeprefix("+") if isinstance(given, str) else ""
    if _PHONE.fullmatch(text):
        return f"+{text}"
    return text if _OTHER_WRITER.fullmatch(text) else ""


def _verified(callback: Callback, config: ProviderConfig) -> dict[str, Any]:
    """The object in a post that is really Vonage's."""
    headers = callback.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadCallback("The content type must be application/json.", status=400)
    if len(callback.body) > _LARGEST_POST:
        raise BadCallback("The post is too large.", status=400)
    authorization = headers.get("authorization", "")
    if not authorization:
        # It happens to Vonage that one goes out unsigned; 5xx brings it back signed, 4xx would lose it.
        # https://developer.vonage.com/en/messages/concepts/signed-webhooks
        raise BadCallback("The callback is not signed; come again with a signature.", status=503)
    if not signature.verify(
        authorization=authorization,
        body=callback.body,
        secrets=signature_secrets(config),
        api_key=api_key(config),
    ):
        raise BadCallback("The signature is not Vonage's. Is the signature secret the account's present one?")
    posted = json_object(callback.body)
    if not posted:
        raise BadCallback("The body is not a JSON object.", status=400)
    return posted
