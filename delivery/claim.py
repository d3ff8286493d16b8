"""Claiming: queued rows become `sending` under a lease, committed before anything leaves the house.

The queue is the partial index `message_claim` (provider, lane, campaign, sender, country, age): its distinct prefixes
are the streams that wait, and `delivery.streams` says whose turn it is. Lanes are served in order. The campaigns of a
lane share what there is, and the streams of a campaign share its part, so a campaign of a million takes turns with one
of ten, and one to forty countries gets no more than one to a single country.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import redis
import structlog
from django.utils import timezone
from psycopg.rows import kwargs_row

from delivery import callbacks
from delivery.errors import Failure
from delivery.lanes import URGENT, Lane
from delivery.limiter import Demand, Grant, Limiter, Requests, account_bucket
from delivery.providers.base import OutboundMessage
from delivery.states import Status
from delivery.streams import Stream, Turns

log = structlog.get_logger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: Of the account's bucket and of its requests, what reminders and bulk may not use up.
RESERVED_SHARE = 0.1
#: A campaign that is spread over hours must not make whatever comes after it wait for its next turn.
LONGEST_PACE_WAIT = 0.25

# One UPDATE decides for each row that is picked: may it still be sent, or has the recipient said stop, or its time
# run out since it was queued? Holds are looked at again, for one may have come since the streams were read.
# The planner cannot know how few rows this is about: a literal LIMIT, an order that only the claim index has, and
# an array of ids keep it on the indexes with any statistics.
_CLAIM = f"""
WITH wanted AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(campaigns)s::bigint[], %(senders)s::bigint[], %(countries)s::text[],
                         %(budgets)s::int[], %(most)s::int[])
        AS w (lane, campaign_id, sender_id, country, budget, most)
), locked AS (
    SELECT m.id, m.created_at, m.segments, w.*
    FROM wanted AS w CROSS JOIN LATERAL (
        SELECT id, created_at, segments FROM delivery_message
        WHERE provider_id = %(provider_id)s AND lane = w.lane AND campaign_id = w.campaign_id
          AND sender_id = w.sender_id AND country = w.country AND status = '{Status.QUEUED}'
          AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS h WHERE h.campaign_id = w.campaign_id)
        ORDER BY created_at LIMIT {{most}} FOR UPDATE SKIP LOCKED) AS m
), fitting AS (
    SELECT id, budget, most, sum(segments) OVER stream AS used, row_number() OVER stream AS place FROM locked
    WINDOW stream AS (PARTITION BY lane, campaign_id, sender_id, country ORDER BY created_at ROWS UNBOUNDED PRECEDING)
)
UPDATE delivery_message AS m SET
    (status, reason, final_at) = (
        SELECT CASE WHEN stopped.reason IS NOT NULL THEN '{Status.SUPPRESSED}'
                    WHEN m.valid_until <= %(now)s THEN '{Status.EXPIRED}' ELSE '{Status.SENDING}' END,
               CASE WHEN stopped.reason IS NOT NULL THEN stopped.reason
                    WHEN m.valid_until <= %(now)s THEN '{Failure.EXPIRED}' ELSE '' END,
               CASE WHEN stopped.reason IS NOT NULL OR m.valid_until <= %(now)s THEN %(now)s::timestamptz END
        FROM (SELECT (SELECT reason FROM contacts_suppression AS s
                      WHERE s.phone = m.recipient AND s.lifted_at IS NULL) OFFSET 0) AS stopped (reason)),
    claimed_at = %(now)s, lease_until = %(lease)s
WHERE m.id = ANY(ARRAY(SELECT id FROM fitting WHERE used <= budget AND place <= most))
RETURNING m.id, m.attempt, m.recipient, m.body, m.segments, m.encoding, m.valid_until, m.status,
          m.campaign_id, m.sender_id, m.country
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    messages: Sequence[OutboundMessage]
    wait: float
    """Seconds until the limits allow more; 0 if they did not stand in the way."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    attempt: int
    recipient: str
    body: str
    segments: int
    encoding: str
    valid_until: datetime | None
    status: str
    campaign_id: int
    sender_id: int
    country: str


Used = dict[tuple[int, int, str], int]
"""Segments by campaign, sender and country."""


async def claim(
    connection: Connection,
    limiter: Limiter,
    turns: Turns,
    *,
    provider_id: int,
    rate: int,
    requests: Requests,
    lease_seconds: int,
    lanes: Sequence[Lane] = tuple(Lane),
) -> Claimed:
    """Claim what the limits allow, upper lanes first. Commits before it returns.

    `requests` is what this worker has open, and what all workers together may have. Reminders and bulk leave a share
    of these and of the tokens alone, so that an alert finds both there.

    Raises redis.RedisError when the limiter, psycopg.OperationalError when the database is away: nothing is claimed
    then.
    """
    account = account_bucket(provider_id, rate)
    waiting = await turns.next(connection, provider_id, rate=rate, lanes=lanes)
    messages: list[OutboundMessage] = []
    held: set[str] = set()
    short: list[Stream] = []
    wait = 0.0
    try:
        for number, lane in groupby(waiting, key=lambda stream: stream.lane):
            left = requests.most - requests.open - len(messages)
            if left <= 0:
                break
            turn = turns.shared(list(lane), left)
            reserve = 0.0 if number in URGENT else RESERVED_SHARE
            now_open = replace(requests, open=requests.open + len(messages))
            demands = [_demand(*each, reserve) for each in turn]
            grant = await limiter.take(account, demands, now_open, held=held)
            streams = [stream for stream, _ in turn]
            paced = any(stream.pace for stream in streams)
            wait = max(wait, min(grant.wait, LONGEST_PACE_WAIT) if paced else grant.wait)
            taken, used = await _take_rows(connection, provider_id, streams, grant, lease_seconds)
            messages += taken
            unused = [
                (stream.buckets, granted - used.get(stream.key, 0))
                for stream, granted in zip(streams, grant.segments, strict=True)
            ]
            await limiter.give_back(account, unused)
            # The lanes below must not use up the tokens that a message of this one gathers.
            held.update(filter(None, grant.short))
            short += [stream for stream, bucket in zip(streams, grant.short, strict=True) if bucket]
    except (redis.RedisError, psycopg.OperationalError) as error:
        # What an upper lane has claimed already is ours to send, whatever became of the limiter since.
        if not messages:
            raise
        log.warning("claim_cut_short", provider_id=provider_id, error=type(error).__name__)
    turns.short(short)
    return Claimed(messages=messages, wait=wait)


def _demand(stream: Stream, share: int, reserve: float) -> Demand:
    wanted = share if stream.budget is None else min(share, stream.budget)
    least = stream.next_segments
    return Demand(stream.buckets, max(wanted, least), least=least, reserve=reserve, group=stream.campaign_id)


async def _take_rows(
    connection: Connection, provider_id: int, streams: Sequence[Stream], grant: Grant, lease_seconds: int
) -> tuple[list[OutboundMessage], Used]:
    """Claim rows worth at most what was granted per stream, and say what was used of it."""
    granted = [
        (stream, segments, messages)
        for stream, segments, messages in zip(streams, grant.segments, grant.messages, strict=True)
        if segments > 0
    ]
    if not granted:
        return [], {}
    now = timezone.now()
    parameters = {
        "provider_id": provider_id,
        "lanes": [stream.lane for stream, _, _ in granted],
        "campaigns": [stream.campaign_id for stream, _, _ in granted],
        "senders": [stream.sender_id for stream, _, _ in granted],
        "countries": [stream.country for stream, _, _ in granted],
        "budgets": [segments for _, segments, _ in granted],
        "most": [messages for _, _, messages in granted],
        "now": now,
        "lease": now + timedelta(seconds=lease_seconds),
    }
    statement = _CLAIM.format(most=max(int(messages) for _, _, messages in granted))
    addresses = {stream.sender_id: stream.sender for stream, _, _ in granted}
    messages: list[OutboundMessage] = []
    used: Used = {}
    async for row in await connection.cursor(row_factory=kwargs_row(_Row)).execute(statement.encode(), parameters):
        if row.status != Status.SENDING:
            continue
        key = (row.campaign_id, row.sender_id, row.country)
        used[key] = used.get(key, 0) + row.segments
        left = int((row.valid_until - now).total_seconds()) if row.valid_until else None
        messages.append(
            OutboundMessage(
                id=row.id,
                attempt=row.attempt,
                recipient=row.recipient,
                sender=addresses[row.sender_id],
                body=row.body,
                segments=row.segments,
                encoding=row.encoding,
                callback_url=callbacks.receipt_url(provider_id, row.id, row.attempt),
                validity_seconds=None if left is None else max(1, left),
            )
        )
    return messages, used
