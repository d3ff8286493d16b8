"""The word that is owed to origins, read and struck off by whoever can tell it: statements for the event loop.

One process at a time tells an origin: the one that holds its lock, which ends with the connection that took it. So an
origin with connections to two doors is told by one of them, and by the other when that is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as database

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: Word that nobody came for is given up after this.
KEPT = timedelta(days=7)
#: Until what was not acknowledged is told again, doubled each time.
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 600

#: The first of the two numbers of an advisory lock; nothing else of the hub takes locks of this kind.
_LOCKS = 0x534D

_LOCK = "SELECT origin FROM unnest(%s::bigint[]) AS origin WHERE pg_try_advisory_lock(%s, (origin %% 2147483647)::int)"
_UNLOCK = "SELECT pg_advisory_unlock(%s, (origin %% 2147483647)::int) FROM unnest(%s::bigint[]) AS origin"

# The order of the key is that in which messages were handed in. What is being told is left out by its subject.
_DUE = """
SELECT due.origin, due.subject, due.version, due.is_inbound, s.said, m.status, m.reason, m.created_at, m.final_at,
    s.told, m.recipient, sender.address
FROM unnest(%(origins)s::bigint[], %(rooms)s::int[]) AS asked (origin, room)
CROSS JOIN LATERAL (
    SELECT origin, subject, version, is_inbound FROM delivery_word
    WHERE origin = asked.origin AND not_before <= statement_timestamp() AND subject <> ALL(%(telling)s::uuid[])
    ORDER BY subject LIMIT asked.room) AS due
LEFT JOIN delivery_submission AS s ON s.message_id = due.subject AND NOT due.is_inbound
LEFT JOIN delivery_message AS m ON m.id = due.subject AND NOT due.is_inbound
LEFT JOIN delivery_sender AS sender ON sender.id = m.sender_id
"""
_INBOUND = "SELECT id, phone, recipient, body, keyword, provider_id FROM delivery_inbound WHERE id = ANY(%s::uuid[])"
_STRIKE = """
DELETE FROM delivery_word AS word
USING unnest(%(origins)s::bigint[], %(subjects)s::uuid[], %(versions)s::int[]) AS told (origin, subject, version)
WHERE word.origin = told.origin AND word.subject = told.subject AND word.version = told.version
"""
_NOTE_TOLD = """
UPDATE delivery_submission AS s SET told = known.rank
FROM unnest(%(subjects)s::uuid[], %(ranks)s::int[]) AS known (subject, rank)
WHERE s.message_id = known.subject AND s.told < known.rank
"""
_LATER = """
UPDATE delivery_word AS word SET
    tries = LEAST(word.tries + 1, 20),
    not_before = statement_timestamp() + make_interval(secs => LEAST(%(first)s * power(2, word.tries), %(longest)s))
FROM unnest(%(origins)s::bigint[], %(subjects)s::uuid[]) AS untold (origin, subject)
WHERE word.origin = untold.origin AND word.subject = untold.subject
"""
_PURGE = """
DELETE FROM delivery_word WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM delivery_word WHERE created_at < statement_timestamp() - make_interval(secs => %(kept)s)
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Word:
    """That there is something to tell an origin. `version` says which state of it, for `strike`."""

    origin: int
    subject: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message. `status` is empty where what was to be told is not kept any more."""

    word: Word
    said: Mapping[str, Any]
    status: str
    reason: str
    created_at: datetime | None
    final_at: datetime | None
    told: int = 0
    """The rank of what the origin was told before; kept of those that want progress."""
    recipient: str = field(default="", repr=False)
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that came in."""

    word: Word
    phone: str
    recipient: str
    sealed_body: bytes | None
    keyword: str = ""
    provider_id: int = 0


async def lock(connection: Connection, origins: Sequence[int]) -> list[int]:
    """Those that are this connection's to tell from now on, until `unlock` or its end."""
    cursor = await connection.execute(_LOCK, (list(origins), _LOCKS))
    return [int(origin) for (origin,) in await cursor.fetchall()]


async def unlock(connection: Connection, origins: Sequence[int]) -> None:
    await connection.execute(_UNLOCK, (_LOCKS, list(origins)))


async def due(connection: Connection, rooms: Mapping[int, int], telling: Sequence[UUID]) -> list[Fate | Heard]:
    """What may be told now: of each origin as much as there is room for, the oldest first, without `telling`."""
    values = {"origins": list(rooms), "rooms": list(rooms.values()), "telling": list(telling)}
    cursor = await connection.execute(_DUE, values)
    found: list[Fate | Heard] = []
    inbound: dict[UUID, list[Word]] = {}
    for origin, subject, version, is_inbound, said, status, *rest in await cursor.fetchall():
        word = Word(origin, subject, version)
        if is_inbound:
            inbound.setdefault(subject, []).append(word)
        else:
            reason, created_at, final_at, told, recipient, sender = rest
            about = (said or {}, status or "", reason or "", created_at, final_at)
            found.append(Fate(word, *about, told or 0, recipient or "", sender or ""))
    if inbound:
        cursor = await connection.execute(_INBOUND, (list(inbound),))
        for inbound_id, phone, recipient, body, keyword, provider_id in await cursor.fetchall():
            sealed = None if body is None else bytes(body)
            found += [Heard(word, phone, recipient, sealed, keyword, provider_id) for word in inbound.pop(inbound_id)]
        found += [Fate(word, {}, "", "", None, None) for gone in inbound.values() for word in gone]
    return found


async def strike(connection: Connection, told: Sequence[Word]) -> None:
    """The origin knows it. What has changed since it was read stays, and is told as it is then."""
    values = {
        "origins": [word.origin for word in told],
        "subjects": [word.subject for word in told],
        "versions": [word.version for word in told],
    }
    await connection.execute(_STRIKE, values)


async def note_told(connection: Connection, ranks: Mapping[UUID, int]) -> None:
    """Keep how far origins have been told of these messages."""
    await connection.execute(_NOTE_TOLD, {"subjects": list(ranks), "ranks": list(ranks.values())})


async def later(connection: Connection, untold: Sequence[Word]) -> None:
    """The origin did not acknowledge it: it is told again, ever more rarely."""
    values = {
        "origins": [word.origin for word in untold],
        "subjects": [word.subject for word in untold],
        "first": FIRST_WAIT_SECONDS,
        "longest": LONGEST_WAIT_SECONDS,
    }
    await connection.execute(_LATER, values)


def purge(*, limit: int = 5000) -> int:
    """Give up to `limit` words up that nobody came for in time. Returns how many."""
    with database.cursor() as cursor:
        cursor.execute(_PURGE, {"kept": KEPT.total_seconds(), "limit": limit})
        return int(cursor.rowcount)
