"""Secrets at rest, sealed with AES-256-GCM under a key ring from the environment.

Layout of a sealed value: one version byte, four bytes naming the key (start of its SHA-256), twelve of nonce,
then the ciphertext with its tag. Where it belongs is authenticated with it, so a value cannot be moved elsewhere. The
first key of FIELD_ENCRYPTION_KEYS seals; every key of it opens.
"""

import base64
import binascii
import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_VERSION = b"\x01"


class CannotDecrypt(Exception):
    """The value was sealed with a key that is not in FIELD_ENCRYPTION_KEYS, or was altered."""


@lru_cache(maxsize=8)
def _ring(encoded_keys: tuple[str, ...]) -> dict[bytes, AESGCM]:
    if not encoded_keys:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS is empty. Make a key with: "
            'python -c "import os,base64; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
        )
    ring = {}
    for encoded in encoded_keys:
        try:
            key = base64.urlsafe_b64decode(encoded)
            ring[hashlib.sha256(key).digest()[:4]] = AESGCM(key)
        except (binascii.Error, ValueError) as error:
            raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS must be base64 keys of 32 bytes.") from error
    return ring


def seal(plain: bytes, *, context: str) -> bytes:
    """Encrypt under the first key; `context` must be given again to open."""
    key_id, cipher = next(iter(_ring(tuple(settings.FIELD_ENCRYPTION_KEYS)).items()))
    nonce = os.urandom(12)
    return _VERSION + key_id + nonce + cipher.encrypt(nonce, plain, context.encode())


def unseal(sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `seal` made. Raises CannotDecrypt."""
    cipher = _ring(tuple(settings.FIELD_ENCRYPTION_KEYS)).get(sealed[1:5])
    if sealed[:1] != _VERSION or cipher is None:
        raise CannotDecrypt(f"No key for {context}: is an old key missing from FIELD_ENCRYPTION_KEYS?")
    try:
        return cipher.decrypt(sealed[5:17], sealed[17:], context.encode())
    except InvalidTag:
        raise CannotDecrypt(f"{context} was altered or belongs elsewhere.") from None
