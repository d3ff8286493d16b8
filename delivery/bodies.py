"""Texts at rest: sealed with AES-256-GCM under a key for each month, which is itself sealed by the key ring.

The month is that of the message's id, so a row need not name its key; the id is authenticated with the text, so that a
text cannot be moved to another row. Rotating the ring seals the months' keys anew and no text (`delivery.rotation`).
A month whose key is gone has lost its texts, in the tables, in the write-ahead log and in every backup alike.

Layout: one version byte, twelve of nonce, then the ciphertext with its tag. Random nonces are good for 2³² texts a
month (NIST SP 800-38D §8.3). An empty text is stored as it is.

Keys are read from the database once and kept in memory for a few minutes; they are few.
"""

import os
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection

from delivery import encryption
from delivery.ids import month_of_id

Ciphers = Mapping[date, AESGCM | None]

_VERSION = b"\x01"
#: How long a process may know a key after it was shredded.
KEYS_SECONDS = 300.0
#: A month that is not known is looked for again, but not by each of a thousand rows.
LOOK_AGAIN_SECONDS = 1.0

_KEYS = "SELECT month, body_key FROM delivery_month WHERE body_key IS NOT NULL"


class CannotOpen(Exception):
    """The text cannot be read."""


class Gone(CannotOpen):
    """For good: its month's key was shredded, or it was redacted, or altered."""


class Locked(CannotOpen):
    """Its month's key was sealed with one that is not in FIELD_ENCRYPTION_KEYS."""


@dataclass
class _Ring:
    """The keys of all months; None: there is one, and it is locked."""

    ciphers: Ciphers = field(default_factory=dict)
    read_at: float = float("-inf")

    def is_due(self, months: Set[date]) -> bool:
        known = months <= self.ciphers.keys()
        return time.monotonic() - self.read_at > (KEYS_SECONDS if known else LOOK_AGAIN_SECONDS)

    def fill(self, rows: Iterable[tuple[date, bytes]]) -> None:
        self.ciphers = {month: _unwrapped(month, bytes(key)) for month, key in rows}
        self.read_at = time.monotonic()


_ring = _Ring()


def forget() -> None:
    """Read the keys anew when the next text is sealed or opened."""
    _ring.read_at = float("-inf")


def new_key(month: date) -> bytes:
    """A random key for a month, sealed by the key ring."""
    return encryption.seal(AESGCM.generate_key(256), context=_context(month))


def rewrap(month: date, sealed: bytes) -> bytes:
    """The same key, sealed by the first of the ring. Raises CannotDecrypt."""
    return encryption.seal(_unwrap(month, sealed), context=_context(month))


def _unwrap(month: date, sealed: bytes) -> bytes:
    return encryption.unseal(sealed, context=_context(month))


def locked() -> list[date]:
    """Months whose texts cannot be read with the key ring that there is."""
    forget()
    return sorted(month for month, cipher in _ciphers(set()).items() if cipher is None)


def seal(message_id: UUID, text: str) -> bytes:
    """The text as it is stored. Raises LookupError for a month that was never opened, was dropped, or is locked."""
    return seal_with(sealer(month_of_id(message_id)), message_id, text) if text else b""


def sealer(month: date) -> AESGCM:
    """For many texts of one month, with `seal_with`. Raises LookupError as `seal` does."""
    cipher = _ciphers({month}).get(month)
    if cipher is None:
        raise LookupError(f"There is no key for texts of {month:%B %Y}; manage.py doctor says why.")
    return cipher


def seal_with(cipher: AESGCM, message_id: UUID, text: str) -> bytes:
    if not text:
        return b""
    nonce = os.urandom(12)
    return _VERSION + nonce + cipher.encrypt(nonce, text.encode(), message_id.bytes)


def shown(message_id: UUID, sealed: bytes | memoryview | None) -> str | None:
    """The text for people and for asking; None where it cannot be read."""
    try:
        return open_with(_ciphers({month_of_id(message_id)}) if sealed else {}, message_id, sealed)
    except CannotOpen:
        return None


def open_with(ciphers: Ciphers, message_id: UUID, sealed: bytes | memoryview | None) -> str:
    """The text. Raises CannotOpen."""
    if sealed is None:
        raise Gone
    stored = bytes(sealed)
    if not stored:
        return ""
    month = month_of_id(message_id)
    cipher = ciphers.get(month)
    if cipher is None:
        raise Locked if month in ciphers else Gone
    try:
        return cipher.decrypt(stored[1:13], stored[13:], message_id.bytes).decode()
    except (InvalidTag, ValueError):
        raise Gone from None


async def ciphers_over(session: psycopg.AsyncConnection[Any], months: Set[date]) -> Ciphers:
    """The keys for `open_with`, read over a connection of the event loop where that is due."""
    if _ring.is_due(months):
        cursor = await session.execute(_KEYS)
        _ring.fill(await cursor.fetchall())
    return _ring.ciphers


def _ciphers(months: Set[date]) -> Ciphers:
    if _ring.is_due(months):
        with connection.cursor() as cursor:
            cursor.execute(_KEYS)
            _ring.fill(cursor.fetchall())
    return _ring.ciphers


def _unwrapped(month: date, sealed: bytes) -> AESGCM | None:
    try:
        return AESGCM(_unwrap(month, sealed))
    except encryption.CannotDecrypt:
        return None


def _context(month: date) -> str:
    return f"delivery.month.body_key.{month:%Y-%m}"
