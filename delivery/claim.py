"""Claiming: queued rows become `sending` under a lease, committed before anything leaves the house.

The queue is the partial index `message_claim` (provider, lane, campaign, sender, id). Its distinct prefixes are
the streams that wait; lanes are served in order and the streams of a lane share what there is, so a campaign of a
million takes turns with one of ten. A campaign on hold is a stream that is passed over, whatever its length.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

import psycopg
from django.utils import timezone

from delivery import callbacks
from delivery.limiter import Bucket, Demand, Limiter
from delivery.providers.base import OutboundMessage
from delivery.states import Status

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_STREAMS = f"""
WITH RECURSIVE stream AS (
    (SELECT lane, campaign_id, sender_id, segments FROM delivery_message
     WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}'
     ORDER BY lane, campaign_id, sender_id, id LIMIT 1)
    UNION ALL
    SELECT next.lane, next.campaign_id, next.sender_id, next.segments FROM stream CROSS JOIN LATERAL (
        SELECT lane, campaign_id, sender_id, segments FROM delivery_message
        WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}'
          AND (lane, campaign_id, sender_id) > (stream.lane, stream.campaign_id, stream.sender_id)
        ORDER BY lane, campaign_id, sender_id, id LIMIT 1) AS next
)
SELECT stream.lane, stream.campaign_id, stream.sender_id, stream.segments, sender.rate
FROM stream JOIN delivery_sender AS sender ON sender.id = stream.sender_id
WHERE sender.enabled
  AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = stream.campaign_id)
ORDER BY stream.lane, stream.campaign_id, stream.sender_id
"""

# One UPDATE decides for each row that is picked: may it still be sent, or has the recipient said stop, or its time
# run out since it was queued? Holds are looked at again, for one may have come since the streams were read.
_CLAIM = f"""
WITH wanted AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(campaigns)s::bigint[], %(senders)s::bigint[], %(budgets)s::int[])
        AS w (lane, campaign_id, sender_id, budget)
), locked AS (
    SELECT m.id, m.segments, m.recipient, w.lane, w.campaign_id, w.sender_id, w.budget
    FROM wanted AS w CROSS JOIN LATERAL (
        SELECT id, segments, recipient FROM delivery_message
        WHERE provider_id = %(provider_id)s AND lane = w.lane AND campaign_id = w.campaign_id
          AND sender_id = w.sender_id AND status = '{Status.QUEUED}'
          AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS h WHERE h.campaign_id = w.campaign_id)
        ORDER BY id LIMIT w.budget FOR UPDATE SKIP LOCKED) AS m
), fitting AS (
    SELECT id, recipient, sender_id, budget,
           sum(segments) OVER (PARTITION BY lane, campaign_id, sender_id ORDER BY id) AS used
    FROM locked
), decided AS (
    SELECT fitting.id, sender.address, suppression.reason
    FROM fitting JOIN delivery_sender AS sender ON sender.id = fitting.sender_id
    LEFT JOIN contacts_suppression AS suppression
        ON suppression.phone = fitting.recipient AND suppression.lifted_at IS NULL
    WHERE used <= budget
)
UPDATE delivery_message AS m SET
    status = CASE WHEN decided.reason IS NOT NULL THEN '{Status.SUPPRESSED}'
                  WHEN m.valid_until <= %(now)s THEN '{Status.EXPIRED}'
                  ELSE '{Status.SENDING}' END,
    reason = CASE WHEN decided.reason IS NOT NULL THEN decided.reason
                  WHEN m.valid_until <= %(now)s THEN 'expired'
                  ELSE '' END,
    final_at = CASE WHEN decided.reason IS NOT NULL OR m.valid_until <= %(now)s THEN %(now)s::timestamptz END,
    claimed_at = %(now)s, lease_until = %(lease)s
FROM decided WHERE m.id = decided.id
RETURNING m.id, m.attempt, m.recipient, decided.address, m.body, m.segments, m.encoding, m.valid_until,
          m.status, m.lane, m.campaign_id, m.sender_id
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """Queued messages that are alike to the queue: one lane, one campaign (0: none), one sender."""

    lane: int
    campaign_id: int
    sender_id: int
    next_segments: int
    """Of its oldest message: the least that is worth asking the limits for."""
    sender_rate: int | None

    @property
    def bucket(self) -> Bucket | None:
        return Bucket(f"sender:{self.sender_id}", self.sender_rate) if self.sender_rate else None


@dataclass(frozen=True, slots=True)
class Claimed:
    messages: Sequence[OutboundMessage]
    waiting: bool
    """Whether any stream had messages, sent or not."""
    wait: float
    """Seconds until the limits allow more; 0 if they did not stand in the way."""


async def streams(connection: Connection, provider_id: int) -> list[Stream]:
    cursor = await connection.execute(_STREAMS, {"provider_id": provider_id})
    return [Stream(*row) for row in await cursor.fetchall()]


async def claim(
    connection: Connection, limiter: Limiter, *, provider_id: int, rate: int, room: int, lease_seconds: int
) -> Claimed:
    """Claim up to `room` messages within the limits, upper lanes first. Commits before it returns.

    Raises redis.RedisError when the limiter is away: nothing is claimed then.
    """
    account = Bucket(f"provider:{provider_id}", rate)
    waiting = await streams(connection, provider_id)
    messages: list[OutboundMessage] = []
    wait = 0.0
    for _, lane in groupby(waiting, key=lambda stream: stream.lane):
        left = room - len(messages)
        if left <= 0:
            break
        turn = list(lane)
        random.shuffle(turn)  # who is first has an advantage when tokens are few: nobody is first for long
        turn = turn[:left]
        share = max(1, left // len(turn))
        demands = [
            Demand(stream.bucket, wanted=max(share, stream.next_segments), least=stream.next_segments)
            for stream in turn
        ]
        grant = await limiter.take(account, demands)
        wait = max(wait, grant.wait)
        taken, used = await _take_rows(connection, provider_id, turn, grant.segments, lease_seconds)
        messages += taken
        unused = [
            (stream.bucket, granted - used.get((stream.campaign_id, stream.sender_id), 0))
            for stream, granted in zip(turn, grant.segments, strict=True)
        ]
        await limiter.give_back(account, unused)
    return Claimed(messages=messages, waiting=bool(waiting), wait=wait)


async def _take_rows(
    connection: Connection,
    provider_id: int,
    turn: Sequence[Stream],
    budgets: Sequence[int],
    lease_seconds: int,
) -> tuple[list[OutboundMessage], dict[tuple[int, int], int]]:
    """Claim rows worth at most `budgets` segments per stream; what was used is by (campaign, sender)."""
    granted = [(stream, budget) for stream, budget in zip(turn, budgets, strict=True) if budget > 0]
    if not granted:
        return [], {}
    now = timezone.now()
    cursor = await connection.execute(
        _CLAIM,
        {
            "provider_id": provider_id,
            "lanes": [stream.lane for stream, _ in granted],
            "campaigns": [stream.campaign_id for stream, _ in granted],
            "senders": [stream.sender_id for stream, _ in granted],
            "budgets": [budget for _, budget in granted],
            "now": now,
            "lease": now + timedelta(seconds=lease_seconds),
        },
    )
    messages: list[OutboundMessage] = []
    used: dict[tuple[int, int], int] = {}
    async for row in cursor:
        (
            id_,
            attempt,
            recipient,
            sender,
            body,
            segments,
            encoding,
            valid_until,
            status,
            _,
            campaign_id,
            sender_id,
        ) = row
        if status != Status.SENDING:
            continue
        used[campaign_id, sender_id] = used.get((campaign_id, sender_id), 0) + segments
        messages.append(
            OutboundMessage(
                id=id_,
                attempt=attempt,
                recipient=recipient,
                sender=sender,
                body=body,
                segments=segments,
                encoding=encoding,
                callback_url=callbacks.receipt_url(provider_id, id_, attempt),
                validity_seconds=int((valid_until - now).total_seconds()) or 1 if valid_until else None,
            )
        )
    return messages, used
