"""What Postgres can say about the state of things at a price that does not grow with the number of messages.

Every reading is a walk along an index of at most so many steps, under a time limit. Raises django.db.DatabaseError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from delivery.lanes import Lane
from delivery.states import ASKABLE, Status, sql_in

#: Rows are counted up to this many; beyond, a figure means "at least".
MOST_ROWS = 10_000
#: Streams of the queue that are looked at; each costs one index probe.
MOST_STREAMS = 2_000
STATEMENT_TIMEOUT = "3s"

# The loose index scan of delivery.claim, over all providers at once and with what stands in each stream's way.
_STREAMS = f"""
WITH RECURSIVE stream AS (
    (SELECT provider_id, lane, campaign_id, sender_id, country, created_at FROM delivery_message
     WHERE status = '{Status.QUEUED}'
     ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM stream CROSS JOIN LATERAL (
        SELECT provider_id, lane, campaign_id, sender_id, country, created_at FROM delivery_message
        WHERE status = '{Status.QUEUED}' AND (provider_id, lane, campaign_id, sender_id, country)
              > (stream.provider_id, stream.lane, stream.campaign_id, stream.sender_id, stream.country)
        ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1) AS next
)
SELECT stream.*, provider.name, provider.enabled, sender.enabled,
       EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = stream.campaign_id)
FROM (SELECT * FROM stream LIMIT {MOST_STREAMS}) AS stream
JOIN delivery_provider AS provider ON provider.id = stream.provider_id
JOIN delivery_sender AS sender ON sender.id = stream.sender_id
"""

_DEPTHS = f"""
SELECT provider.id, lanes.lane,
       (SELECT count(*) FROM (SELECT 1 FROM delivery_message WHERE provider_id = provider.id AND lane = lanes.lane
                                AND status = '{Status.QUEUED}' LIMIT %(most)s) AS waiting)
FROM delivery_provider AS provider CROSS JOIN unnest(%(lanes)s::smallint[]) AS lanes (lane)
"""

_INBOX = """
SELECT (SELECT try_at FROM delivery_inboxreceipt ORDER BY try_at LIMIT 1),
       (SELECT count(*) FROM (SELECT 1 FROM delivery_inboxreceipt LIMIT %(most)s) AS waiting)
"""

_FIRST_DUE = """
SELECT provider_id, min(try_at) FROM (SELECT provider_id, try_at FROM delivery_inboxreceipt
                                      ORDER BY try_at LIMIT %(most)s) AS first_ones
GROUP BY provider_id
"""

# There is no index of uncertain messages alone: looked at are those that will be asked about soonest.
_UNCERTAIN = f"""
SELECT count(*) FILTER (WHERE status = '{Status.UNCERTAIN}' AND COALESCE(claimed_at, created_at) <= %(before)s),
       count(*)
FROM (SELECT status, claimed_at, created_at FROM delivery_message
      WHERE status IN {sql_in(ASKABLE)} ORDER BY ask_at LIMIT %(most)s) AS soonest
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """Queued messages of one provider, lane, campaign (0: none), sender and country, by their oldest."""

    provider_id: int
    lane: int
    campaign_id: int
    sender_id: int
    country: str
    oldest: datetime
    """When the message was made, which for one that was held is earlier than when it was queued."""
    provider: str
    provider_enabled: bool
    sender_enabled: bool
    on_hold: bool


@dataclass(frozen=True, slots=True)
class Counted:
    rows: int
    capped: bool
    """There may be more."""


@dataclass(frozen=True, slots=True)
class Inbox:
    late_seconds: float
    """How long the first receipt has been due; 0 if none is."""
    waiting: Counted


def streams() -> list[Stream]:
    """What is queued, by stream; those on hold are marked."""
    with _bounded() as cursor:
        cursor.execute(_STREAMS)
        return [Stream(*row) for row in cursor.fetchall()]


def depths(*, most: int = MOST_ROWS) -> dict[tuple[int, Lane], Counted]:
    """How many messages are queued per (provider, lane), on hold or not."""
    with _bounded() as cursor:
        cursor.execute(_DEPTHS, {"lanes": Lane.values, "most": most})
        return {(provider, Lane(lane)): Counted(rows, rows >= most) for provider, lane, rows in cursor.fetchall()}


def inbox(*, most: int = MOST_ROWS) -> Inbox:
    """The receipts that are stored and not applied yet."""
    with _bounded() as cursor:
        cursor.execute(_INBOX, {"most": most})
        due, rows = cursor.fetchone()
    late = (timezone.now() - due).total_seconds() if due else 0.0
    return Inbox(late_seconds=max(0.0, late), waiting=Counted(rows, rows >= most))


def first_due(*, most: int = MOST_ROWS) -> dict[int, datetime]:
    """Since when the first receipt of each provider has been due, among the `most` that are due first."""
    with _bounded() as cursor:
        cursor.execute(_FIRST_DUE, {"most": most})
        return dict(cursor.fetchall())


def uncertain(*, older_than: timedelta = timedelta(0), most: int = MOST_ROWS) -> Counted:
    """Messages whose attempt has been in doubt for longer than that."""
    with _bounded() as cursor:
        cursor.execute(_UNCERTAIN, {"before": timezone.now() - older_than, "most": most})
        rows, seen = cursor.fetchone()
    return Counted(rows, capped=seen >= most)


@contextmanager
def _bounded() -> Iterator[CursorWrapper]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
        yield cursor
