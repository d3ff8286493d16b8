"""Visits to links: appended many to a commit while people wait for their page, and counted a moment later.

`Appender` is the door's: it returns when the visit is durable, or after a second, whatever comes first; a page is
never kept from anybody because it cannot be counted. `settle` is a task's: it takes visits from the table, finds the
message that each is about, and writes them down as reactions, in one transaction. Killed anywhere, it has done nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import structlog
from django.db import connection, transaction

from campaigns import wake
from campaigns.models import Link, LinkedMessage
from delivery import reactions
from delivery.ids import campaign_message_id
from delivery.reactions import Kind, Told
from delivery.runtime import connect

log = structlog.get_logger(__name__)

#: Commits begin no sooner than this after one another.
GATHER_SECONDS = 0.01
#: So long does a visitor wait for Postgres.
PATIENCE_SECONDS = 1.0
#: More than this waiting and visits are no longer written down, but for those that wait already.
MAX_WAITING = 20_000
#: Visits of one commit, and of one round of counting.
BATCH = 2000
#: The counting looks again for a while after it was woken.
WAKE_SECONDS = 0.5

_APPEND = """
INSERT INTO campaigns_visit (link_id, recipient, machine, at)
SELECT link_id, recipient, machine, statement_timestamp()
FROM unnest(%b::bigint[], %b::bigint[], %b::text[]) AS visit (link_id, recipient, machine)
"""
_TAKE = """
DELETE FROM campaigns_visit WHERE id IN (
    SELECT id FROM campaigns_visit ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING link_id, recipient, machine, at
"""


class Visited(NamedTuple):
    link_id: int
    recipient: int
    machine: str


class Appender:
    """Appends visits. One for each process, on its event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Visited, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._began = self._woken = 0.0
        self._waking: asyncio.Task[None] | None = None

    async def append(self, visit: Visited) -> bool:
        """Whether it is durable. False: there was no time or no room for it, and it may be lost."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((visit, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await asyncio.wait([done], timeout=PATIENCE_SECONDS)
        return done.done() and not done.exception()

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._began + GATHER_SECONDS - monotonic())
            self._began = monotonic()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            error = await self._write([visit for visit, _ in batch])
            for _, done in batch:
                if error:
                    done.set_exception(error)
                    done.exception()  # whoever waited may have gone; it is told of in the log
                else:
                    done.set_result(None)
            if not error:
                self._wake()

    async def _write(self, visits: Sequence[Visited]) -> Exception | None:
        try:
            if self._connection is None or self._connection.closed or self._connection.broken:
                self._connection = await connect()
            await self._connection.execute(_APPEND, tuple(list(column) for column in zip(*visits, strict=True)))
        except Exception as error:
            log.warning("visits_not_stored", visits=len(visits), error=type(error).__name__)
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            return error
        return None

    def _wake(self) -> None:
        busy = self._waking is not None and not self._waking.done()
        if not busy and monotonic() - self._woken > WAKE_SECONDS:
            self._woken = monotonic()
            self._waking = asyncio.create_task(asyncio.to_thread(wake.count_visits))

    async def close(self) -> None:
        if self._flusher is not None:
            await self._flusher
        if self._waking is not None:
            await self._waking
        if self._connection is not None:
            await self._connection.close()


def is_there_any() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM campaigns_visit)")
        (found,) = cursor.fetchone()
    return bool(found)


def settle(*, seconds: float) -> bool:
    """Count what waits, for about so many seconds. True: there may be more."""
    until = monotonic() + seconds
    while settle_batch() == BATCH:
        if monotonic() > until:
            return True
    return False


def settle_batch(limit: int = BATCH) -> int:
    """One batch, all of it or nothing. Returns how many visits it took; of two at once, one takes none."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Whose visit is a message's first is judged by one at a time.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('smshub visits', 0))")
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(_TAKE, [limit])
        taken = cursor.fetchall()
        reactions.record(_told(taken))
    return len(taken)


def _told(taken: Sequence[tuple[int, int, str, datetime]]) -> list[Told]:
    """Those that a message can be found for: by the campaign's launch and the contact, or by the message's own row."""
    of_campaigns = Link.objects.filter(
        pk__in={link_id for link_id, *_ in taken}, campaign__launched_at__isnull=False
    ).values_list("pk", "campaign_id", "campaign__launched_at")
    launches = {link: (campaign, launched) for link, campaign, launched in of_campaigns if campaign and launched}
    single = {recipient for link_id, recipient, *_ in taken if link_id not in launches}
    rows = LinkedMessage.objects.filter(pk__in=single).values_list("link_id", "pk", "message_id") if single else ()
    own = {(link_id, pk): message_id for link_id, pk, message_id in rows}

    def message(link_id: int, recipient: int) -> UUID | None:
        if link_id not in launches:
            return own.get((link_id, recipient))
        campaign_id, launched_at = launches[link_id]
        return campaign_message_id(launched_at, campaign_id, recipient)

    return [
        Told(message_id, uuid4(), Kind.CLICK, at, link_id, machine)
        for link_id, recipient, machine, at in taken
        if (message_id := message(link_id, recipient))
    ]
