"""The address a provider calls back: it carries message and attempt, sealed against guessing.

Token: 16 bytes of message id, one of attempt, then 10 bytes of HMAC-SHA256 over both, base64url (36 characters).
It binds a receipt to its message even when the provider's answer to our request was lost. The provider's own
signature is checked as well, where it has one.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import replace
from functools import cache
from uuid import UUID

from django.conf import settings

from delivery.providers.base import BadCallback, Receipt

PREFIX = "/callbacks"


@cache
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"smshub.callback-token:" + secret.encode()).digest()


def _mac(payload: bytes) -> bytes:
    return hmac.digest(_key(settings.SECRET_KEY), payload, "sha256")[:10]


def token(message_id: UUID, attempt: int) -> str:
    payload = message_id.bytes + bytes([attempt % 256])
    return base64.urlsafe_b64encode(payload + _mac(payload)).decode()


def read_token(text: str) -> tuple[UUID, int] | None:
    """Message id and attempt of a token that we made, else None."""
    try:
        raw = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 27 or not hmac.compare_digest(raw[17:], _mac(raw[:17])):
        return None
    return UUID(bytes=raw[:16]), raw[16]


def bind(receipt: Receipt, about: tuple[UUID, int] | None) -> Receipt:
    """The receipt with the message and attempt that its address names, or else the token that came back in it.

    With neither, the provider's message id has to tell. Raises BadCallback when a token came back that does not
    name what the address names: a signed receipt was taken to an address that is not its own.
    """
    echoed = read_token(receipt.token) if receipt.token else None
    if about and receipt.token and echoed != about:
        raise BadCallback("The receipt is about another message than this address.")
    message_id, attempt = about or echoed or (None, 0)
    return replace(receipt, message_id=message_id, attempt=attempt)


def receipt_url(provider_id: int, message_id: UUID, attempt: int) -> str:
    return f"{settings.PUBLIC_URL}{PREFIX}/receipts/{provider_id}/{token(message_id, attempt)}"


def inbound_url(provider_id: int) -> str:
    """What to enter as the webhook for incoming messages in the provider's console."""
    return f"{settings.PUBLIC_URL}{PREFIX}/inbound/{provider_id}"
