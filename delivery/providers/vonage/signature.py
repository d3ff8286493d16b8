"""The JWT on Vonage's webhooks: that a callback comes from somebody who has the account's signature secret.

Claims and algorithm: https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks.
The token is HMAC-SHA256 (RFC 7515, HS256) and carries the SHA-256 of the body, but says nothing of the address
that it is posted to. Checked against PyJWT.

A token's age is not looked at: Vonage comes again for a day, whether with a new token is not said, and a receipt
or a text that is replayed changes nothing here.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from delivery.providers.http import json_object


def verify(*, authorization: str, body: bytes, secrets: Sequence[str], api_key: str) -> bool:
    """Whether one of `secrets` signed this very body for this account. `authorization` is the whole header."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return False
    claims = _claims(token.strip().encode(errors="replace"), secrets)
    digest = hashlib.sha256(body).hexdigest().encode()
    claimed = str(claims.get("payload_hash", "")).lower().encode(errors="replace")
    return hmac.compare_digest(claimed, digest) and claims.get("api_key", api_key) == api_key


def _claims(token: bytes, secrets: Sequence[str]) -> dict[str, Any]:
    """The claims of a token that one of `secrets` signed; none for any other."""
    signed, _, seal = token.rpartition(b".")
    header, _, claims = signed.partition(b".")
    seals = [base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed, "sha256")) for secret in secrets]
    if not any(hmac.compare_digest(seal, good.rstrip(b"=")) for good in seals):
        return {}
    return _object(claims) if _object(header).get("alg") == "HS256" else {}


def _object(part: bytes) -> dict[str, Any]:
    try:
        return json_object(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError:
        return {}
