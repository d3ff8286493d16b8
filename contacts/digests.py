"""A number after its erasure: an HMAC-SHA256 of it, by which it is known again and from which it cannot be told.

There are so few numbers that a plain hash would be undone by trying them all. The key is random, made for the first
erasure, and lies in the database sealed under the key ring; a rotation seals it anew and changes nothing about the
digests (`reseal`). Both are needed to undo a digest: the database, and the ring that is not in it.

Where there is no key nobody was ever erased, and nothing is to be known again. A process keeps the key once it has
seen it. One that has not looks again after LOOK_AGAIN_SECONDS, so an erasure lets the key be seen by all
(`is_settled`) before it takes the first number away.
"""

import hmac
import os
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
from django.db import transaction
from django.utils import timezone

from contacts.models import NumberKey
from contacts.sealing import seal, unseal

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

LOOK_AGAIN_SECONDS = 1.0
_SETTLED = timedelta(seconds=10 * LOOK_AGAIN_SECONDS)
_CONTEXT = "contacts.numberkey.sealed"
_BLOCK = 64

#: The digest of a number in SQL, which has SHA-256 and no HMAC. Its parameters are those of `Pads`: for a cursor that
#: sends them apart from the statement, where no list of running statements shows them.
DIGEST_SQL = "sha256(%(outer)s::bytea || sha256(%(inner)s::bytea || convert_to({phone}, 'UTF8')))"


class Pads(NamedTuple):
    """The key as HMAC uses it (RFC 2104): what is hashed before the number, and before that hash."""

    inner: bytes
    outer: bytes


class _Known:
    """The key, once this process has seen it, and when it last looked for it."""

    key: bytes | None = None
    looked_at = float("-inf")


def make() -> None:
    """See to it that there is a key. In a transaction of its own: what was used must not be rolled back."""
    with transaction.atomic(durable=True):
        NumberKey.objects.bulk_create([NumberKey(sealed=seal(os.urandom(32), context=_CONTEXT))], ignore_conflicts=True)


def is_settled() -> bool:
    """Whether every process knows of the key by now."""
    return NumberKey.objects.filter(made_at__lt=timezone.now() - _SETTLED).exists()


def digest(phone: str) -> bytes:
    """Raises LookupError without a key, CannotDecrypt when the ring cannot open it."""
    if _Known.key is None:
        learn(NumberKey.objects.values_list("sealed", flat=True).first())
    if _Known.key is None:
        raise LookupError("There is no key for numbers yet.")
    return hmac.digest(_Known.key, phone.encode(), "sha256")


def digests(phones: Iterable[str]) -> Mapping[bytes, str]:
    """These numbers by their digests; empty while this process knows of no key."""
    key = _Known.key
    return {hmac.digest(key, phone.encode(), "sha256"): phone for phone in phones} if key else {}


def is_known() -> bool:
    return _Known.key is not None


def learn(sealed: bytes | memoryview | None) -> bool:
    """Take the key in that a query has found; None: there is none. Raises CannotDecrypt."""
    if sealed is not None:
        _Known.key = unseal(bytes(sealed), context=_CONTEXT)
    return sealed is not None


async def pads_over(connection: Connection) -> Pads | None:
    """For DIGEST_SQL, over a connection of the event loop; None: nobody was erased. Raises CannotDecrypt."""
    if _Known.key is None and time.monotonic() - _Known.looked_at > LOOK_AGAIN_SECONDS:
        row = await (await connection.execute("SELECT sealed FROM contacts_numberkey")).fetchone()
        learn(row[0] if row else None)
        _Known.looked_at = time.monotonic()
    return None if _Known.key is None else _pads(_Known.key)


def reseal() -> None:
    """Seal the key anew, under the first of the ring. In a transaction; raises CannotDecrypt."""
    for row in NumberKey.objects.select_for_update(no_key=True):
        row.sealed = seal(unseal(bytes(row.sealed), context=_CONTEXT), context=_CONTEXT)
        row.save(update_fields=["sealed"])


def forget() -> None:
    """Look for the key again when it is needed next."""
    _Known.key, _Known.looked_at = None, float("-inf")


def _pads(key: bytes) -> Pads:
    block = key.ljust(_BLOCK, b"\0")
    return Pads(bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block))
