"""Secrets and signatures, by the Standard Webhooks specification and its library."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from standardwebhooks.webhooks import Webhook

#: The specification wants 24 to 64 bytes.
SECRET_BYTES = 32


def new_secret() -> str:
    return _written(secrets.token_bytes(SECRET_BYTES))


def secret_of_key(api_key_id: int) -> str:
    """What is signed with where a message names its own address: one for each API key, made of the hub's own secret,
    so that it can be had again by whoever has the key."""
    return _written(hmac.digest(settings.SECRET_KEY.encode(), f"status webhooks {api_key_id}".encode(), hashlib.sha256))


def _written(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def known_as(event_id: UUID) -> str:
    """The `webhook-id`: the same however often an event is sent, so that receivers tell what they had."""
    return f"evt_{event_id.hex}"


def headers(event_id: UUID, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Signed with each of the secrets, the present one first. `at`: of this attempt, for receivers refuse old ones."""
    name, text = known_as(event_id), body.decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(name, at, text) for key in keys),
    }
