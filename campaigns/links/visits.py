"""Visits to links: appended many to a commit while people wait for their page, and counted a moment later.

`Appender` is the door's: it returns when the visit is durable, or after a second, whatever comes first; a page is
never kept from anybody because it cannot be counted. `settle` is a task's: it takes visits from the table, finds the
message that each is about, and writes them down as reactions, in one transaction. Killed anywhere, it has done nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple
from uuid import UUID, uuid4

import structlog
from django.db import connection, transaction

from campaigns import wake
from campaigns.models import Link, LinkedMessage
from delivery import reactions
from delivery.group_commit import Connection, GroupCommit
from delivery.ids import campaign_message_id
from delivery.reactions import Kind, Told

log = structlog.get_logger(__name__)

#: So long does a visitor wait for Postgres.
PATIENCE_SECONDS = 1.0
#: Visits of one round of counting.
BATCH = 2000
#: The counting looks again for a while after it was woken.
WAKE_SECONDS = 0.5

_APPEND = """
INSERT INTO campaigns_visit (link_id, recipient, machine, at)
SELECT link_id, recipient, machine, statement_timestamp()
FROM unnest(%b::bigint[], %b::bigint[], %b::text[]) AS visit (link_id, recipient, machine)
"""
_TAKE = """
DELETE FROM campaigns_visit WHERE id = ANY(ARRAY(
    SELECT id FROM campaigns_visit ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING link_id, recipient, machine, at
"""


class Visited(NamedTuple):
    link_id: int
    recipient: int
    machine: str


class Appender:
    """Appends visits. One for each process, on its event loop."""

    def __init__(self) -> None:
        self._commits = GroupCommit(_append, wake.count_visits, wake_seconds=WAKE_SECONDS, failed="visits_not_stored")

    async def append(self, visit: Visited) -> bool:
        """Whether it is durable. False: there was no time or no room for it, and it may be lost."""
        if self._commits.full:
            return False
        done = self._commits.bring(visit)
        await asyncio.wait([done], timeout=PATIENCE_SECONDS)
        return done.done() and not done.exception()

    async def close(self) -> None:
        await self._commits.close()


async def _append(connection: Connection, visits: Sequence[Visited]) -> None:
    await connection.execute(_APPEND, tuple(list(column) for column in zip(*visits, strict=True)))


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
