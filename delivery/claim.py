"""Claiming: queued rows become `sending` under a lease, committed before anything leaves the house.

The queue is the partial index `message_claim` (provider, lane, campaign, sender, age). Its distinct prefixes are
the streams that wait; lanes are served in order and the streams of a lane share what there is, so a campaign of a
million takes turns with one of ten. A campaign on hold is a stream that is passed over, whatever its length; so is
one that has handed over all that it may.
"""

import random
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import redis
import structlog
from psycopg.rows import kwargs_row

from delivery import bodies, callbacks
from delivery.errors import Failure
from delivery.ids import ANYTIME, month_of_id
from delivery.lanes import Lane
from delivery.limiter import Bucket, Demand, Limiter
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome
from delivery.runtime import DATABASE_AWAY
from delivery.states import Status, sql_in
from delivery.tallies import NOT_HANDED_OVER

log = structlog.get_logger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: Of a worker's window and of the provider's bucket, what reminders and bulk may not use up.
RESERVED_SHARE = 0.1
#: A campaign that is spread over hours must not make whatever comes after it wait for its next turn.
LONGEST_PACE_WAIT = 0.25
#: How long a message waits whose text cannot be read with the keys there are.
LOCKED_SECONDS = 60.0

# A loose index scan: one probe per stream, however many messages wait in it.
_STREAMS = f"""
WITH RECURSIVE stream AS (
    (SELECT lane, campaign_id, sender_id, segments FROM delivery_message
     WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s
     ORDER BY lane, campaign_id, sender_id, created_at LIMIT 1)
    UNION ALL
    SELECT next.lane, next.campaign_id, next.sender_id, next.segments FROM stream CROSS JOIN LATERAL (
        SELECT lane, campaign_id, sender_id, segments FROM delivery_message
        WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}' AND id >= %(floor)s
          AND (lane, campaign_id, sender_id) > (stream.lane, stream.campaign_id, stream.sender_id)
        ORDER BY lane, campaign_id, sender_id, created_at LIMIT 1) AS next
)
SELECT stream.lane, stream.campaign_id, stream.sender_id, stream.segments, sender.address, sender.rate,
       own.rate, budget.left_over, COALESCE(own.max_segments IS NOT NULL OR own.max_cost IS NOT NULL, false),
       health.provider_id, health.trial_rate
FROM stream JOIN delivery_sender AS sender ON sender.id = stream.sender_id
LEFT JOIN delivery_campaignlimit AS own ON own.campaign_id = stream.campaign_id
LEFT JOIN LATERAL (
    SELECT own.max_segments - COALESCE(sum(segments), 0)::bigint AS left_over FROM delivery_tally AS tally
    WHERE own.max_segments IS NOT NULL AND tally.campaign_id = own.campaign_id
      AND tally.status NOT IN {sql_in(NOT_HANDED_OVER)}) AS budget ON true
LEFT JOIN delivery_providerhealth AS health ON health.provider_id = %(provider_id)s AND health.trial_rate IS NOT NULL
WHERE sender.enabled AND (health.trial_rate IS NULL OR health.trial_rate > 0) AND own.spent IS NOT TRUE
  AND (budget.left_over IS NULL OR budget.left_over > 0)
  AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = stream.campaign_id)
ORDER BY stream.lane, stream.campaign_id, stream.sender_id
"""

# One UPDATE decides for each row that is picked: may it still be sent, or has the recipient said stop, or its time
# run out since it was queued? Holds are looked at again, for one may have come since the streams were read.
# The planner cannot know how few rows this is about: a literal LIMIT, an order that only the claim index has, and
# an array of ids keep it on the indexes with any statistics.
_CLAIM = f"""
WITH wanted AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(campaigns)s::bigint[], %(senders)s::bigint[], %(budgets)s::int[])
        AS w (lane, campaign_id, sender_id, budget)
), locked AS (
    SELECT m.id, m.created_at, m.segments, m.cost, w.lane, w.campaign_id, w.sender_id, w.budget
    FROM wanted AS w CROSS JOIN LATERAL (
        SELECT id, created_at, segments, cost FROM delivery_message
        WHERE provider_id = %(provider_id)s AND lane = w.lane AND campaign_id = w.campaign_id
          AND sender_id = w.sender_id AND status = '{Status.QUEUED}' AND id >= %(floor)s
          AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS h WHERE h.campaign_id = w.campaign_id)
        ORDER BY created_at LIMIT {{most}} FOR UPDATE SKIP LOCKED) AS m
), fitting AS (
    SELECT id, campaign_id, segments, cost, budget, sum(segments) OVER (
        PARTITION BY lane, campaign_id, sender_id ORDER BY created_at ROWS UNBOUNDED PRECEDING) AS used
    FROM locked
){{budgets}}
UPDATE delivery_message AS m SET
    (status, reason, final_at) = (
        SELECT CASE WHEN stopped.reason IS NOT NULL THEN '{Status.SUPPRESSED}'
                    WHEN m.valid_until <= statement_timestamp() THEN '{Status.EXPIRED}' ELSE '{Status.SENDING}' END,
               CASE WHEN stopped.reason IS NOT NULL THEN stopped.reason
                    WHEN m.valid_until <= statement_timestamp() THEN '{Failure.EXPIRED}' ELSE '' END,
               CASE WHEN stopped.reason IS NOT NULL OR m.valid_until <= statement_timestamp()
                    THEN statement_timestamp() END
        FROM (SELECT (SELECT reason FROM contacts_suppression AS s
                      WHERE s.phone = m.recipient AND s.lifted_at IS NULL) OFFSET 0) AS stopped (reason)),
    claimed_at = statement_timestamp(),
    lease_until = statement_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE m.id = ANY(ARRAY(SELECT id FROM {{chosen}})) AND m.id >= %(floor)s
RETURNING m.id, m.attempt, m.lane, m.recipient, m.body, m.segments, m.encoding, m.valid_until, m.status,
          m.campaign_id, m.sender_id, m.claimed_at
"""

_CHOSEN = "fitting WHERE used <= budget"

# Where a campaign has a budget, what it may still spend is read under a lock of its own: not two workers, nor two
# senders of one campaign, spend the same. Of segments the last message may go a little beyond, of money nothing may;
# a campaign whose money does not pay for its next message says so, and is passed over until the budget is raised.
_LOCK_BUDGETS = """
SELECT pg_advisory_xact_lock(hashtextextended('smshub budget', campaign_id))
FROM (SELECT unnest(%(budgeted)s::bigint[]) AS campaign_id ORDER BY 1) AS budgeted
"""
_BUDGETS = f""", purse AS MATERIALIZED (
    SELECT own.campaign_id, own.max_segments - tally.segments AS segments_left, own.max_cost - tally.cost AS money_left
    FROM delivery_campaignlimit AS own CROSS JOIN LATERAL (
        SELECT COALESCE(sum(segments), 0) AS segments, COALESCE(sum(cost), 0) AS cost FROM delivery_tally
        WHERE campaign_id = own.campaign_id AND status NOT IN {sql_in(NOT_HANDED_OVER)}) AS tally
    WHERE own.campaign_id = ANY(%(budgeted)s::bigint[])
), paid AS (
    SELECT id, campaign_id, segments_left, money_left, segments,
           sum(segments) OVER so_far AS campaign_segments, sum(cost) OVER so_far AS campaign_cost
    FROM fitting LEFT JOIN purse USING (campaign_id) WHERE used <= budget
    WINDOW so_far AS (PARTITION BY campaign_id ORDER BY id ROWS UNBOUNDED PRECEDING)
), broke AS (
    UPDATE delivery_campaignlimit SET spent = true
    WHERE campaign_id IN (SELECT campaign_id FROM paid WHERE campaign_cost > money_left)
)"""
_CHOSEN_BY_BUDGET = """paid WHERE (segments_left IS NULL OR campaign_segments - segments < segments_left)
    AND (money_left IS NULL OR campaign_cost <= money_left)"""


@dataclass(frozen=True, slots=True)
class Stream:
    """Queued messages that are alike to the queue: one lane, one campaign (0: none), one sender."""

    lane: int
    campaign_id: int
    sender_id: int
    next_segments: int
    """Of its oldest message: the least that is worth asking the limits for."""
    sender: str
    sender_rate: int | None
    pace: float | None
    """Segments per second that the campaign is to keep to."""
    budget: int | None
    """Segments that the campaign may still hand over; the last message may go a little beyond."""
    has_budget: bool = False
    """Of segments or of money: what is left of it is read again by the claim itself."""
    on_trial: int | None = None
    """Its provider, when that is tried again with a trickle…"""
    trial_rate: float | None = None
    """… of so many segments per second."""

    @property
    def buckets(self) -> list[Bucket]:
        found = []
        if self.sender_rate:
            found.append(Bucket(f"sender:{self.sender_id}", self.sender_rate))
        if self.pace:
            found.append(Bucket(f"pace:{self.campaign_id}", self.pace))
        if self.trial_rate:
            found.append(Bucket(f"trial:{self.on_trial}", self.trial_rate))
        return found

    def demand(self, share: int, *, reserve: float) -> Demand:
        wanted = share if self.budget is None else min(share, self.budget)
        least = self.next_segments
        return Demand(self.buckets, wanted=max(wanted, least), least=least, reserve=reserve)


@dataclass(frozen=True, slots=True)
class Claimed:
    messages: Sequence[OutboundMessage]
    unreadable: Sequence[SendOutcome]
    """What became of those whose text cannot be read: they are claimed, and not to be sent."""
    waiting: bool
    """Whether any stream had messages, sent or not."""
    wait: float
    """Seconds until the limits allow more; 0 if they did not stand in the way."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    attempt: int
    lane: int
    recipient: str
    body: bytes | None
    segments: int
    encoding: str
    valid_until: datetime | None
    status: str
    campaign_id: int
    sender_id: int
    claimed_at: datetime


async def streams(connection: Connection, provider_id: int, floor: UUID = ANYTIME) -> list[Stream]:
    cursor = await connection.execute(_STREAMS, {"provider_id": provider_id, "floor": floor})
    return [Stream(*row) for row in await cursor.fetchall()]


async def claim(
    connection: Connection,
    limiter: Limiter,
    *,
    provider_id: int,
    rate: int,
    window: int,
    room: int,
    lease_seconds: int,
    floor: UUID = ANYTIME,
) -> Claimed:
    """Claim up to `room` messages within the limits, upper lanes first. Commits before it returns.

    `window` is how many messages this worker may hold, `room` how many more it may take now. Reminders and bulk leave
    a share of the window and of the tokens alone, so that an alert finds both there. Messages with ids below `floor`
    are not looked for.

    Raises redis.RedisError when the limiter, one of DATABASE_AWAY when the database is away: nothing is claimed then.
    """
    account = Bucket(f"provider:{provider_id}", rate)
    waiting = await streams(connection, provider_id, floor)
    messages: list[OutboundMessage] = []
    unreadable: list[SendOutcome] = []
    wait = 0.0
    try:
        for number, lane in groupby(waiting, key=lambda stream: stream.lane):
            share_kept = RESERVED_SHARE if number >= Lane.REMINDER else 0.0
            left = room - len(messages) - int(window * share_kept)
            if left <= 0:
                break
            turn = list(lane)
            random.shuffle(turn)  # who is first has an advantage when tokens are few: nobody is first for long
            turn = turn[:left]
            share = max(1, left // len(turn))
            grant = await limiter.take(
                account, [stream.demand(share, reserve=account.capacity * share_kept) for stream in turn]
            )
            paced = any(stream.pace for stream in turn)
            wait = max(wait, min(grant.wait, LONGEST_PACE_WAIT) if paced else grant.wait)
            taken, unread, used = await _take_rows(connection, provider_id, turn, grant.segments, lease_seconds, floor)
            messages += taken
            unreadable += unread
            unused = [
                (stream.buckets, granted - used.get((stream.campaign_id, stream.sender_id), 0))
                for stream, granted in zip(turn, grant.segments, strict=True)
            ]
            await limiter.give_back(account, unused)
    except (redis.RedisError, *DATABASE_AWAY) as error:
        # What an upper lane has claimed already is ours to send, whatever became of the limiter since.
        if not messages and not unreadable:
            raise
        log.warning("claim_cut_short", provider_id=provider_id, error=type(error).__name__)
    return Claimed(messages=messages, unreadable=unreadable, waiting=bool(waiting), wait=wait)


async def _take_rows(
    connection: Connection,
    provider_id: int,
    turn: Sequence[Stream],
    budgets: Sequence[int],
    lease_seconds: int,
    floor: UUID,
) -> tuple[list[OutboundMessage], list[SendOutcome], dict[tuple[int, int], int]]:
    """Claim rows worth at most `budgets` segments per stream; what was used is by (campaign, sender)."""
    granted = [(stream, budget) for stream, budget in zip(turn, budgets, strict=True) if budget > 0]
    if not granted:
        return [], [], {}
    parameters = {
        "provider_id": provider_id,
        "lanes": [stream.lane for stream, _ in granted],
        "campaigns": [stream.campaign_id for stream, _ in granted],
        "senders": [stream.sender_id for stream, _ in granted],
        "budgets": [budget for _, budget in granted],
        "lease_seconds": lease_seconds,
        "floor": floor,
    }
    most = max(int(budget) for _, budget in granted)
    budgeted = sorted({stream.campaign_id for stream, _ in granted if stream.has_budget})
    if budgeted:
        statement = _CLAIM.format(most=most, budgets=_BUDGETS, chosen=_CHOSEN_BY_BUDGET)
        parameters["budgeted"] = budgeted
    else:
        statement = _CLAIM.format(most=most, budgets="", chosen=_CHOSEN)
    addresses = {stream.sender_id: stream.sender for stream, _ in granted}
    messages: list[OutboundMessage] = []
    unreadable: list[SendOutcome] = []
    used: dict[tuple[int, int], int] = {}
    async with connection.transaction() if budgeted else nullcontext():
        if budgeted:
            await connection.execute(_LOCK_BUDGETS, {"budgeted": budgeted})
        cursor = await connection.cursor(row_factory=kwargs_row(_Row)).execute(statement.encode(), parameters)
        rows = [row for row in await cursor.fetchall() if row.status == Status.SENDING]
    ciphers = await bodies.ciphers_over(connection, {month_of_id(row.id) for row in rows})
    for row in rows:
        try:
            body = bodies.open_with(ciphers, row.id, row.body)
        except bodies.CannotOpen as error:
            unreadable.append(_unreadable(row, error))
            continue
        stream_key = (row.campaign_id, row.sender_id)
        used[stream_key] = used.get(stream_key, 0) + row.segments
        left = int((row.valid_until - row.claimed_at).total_seconds()) if row.valid_until else None
        messages.append(
            OutboundMessage(
                id=row.id,
                attempt=row.attempt,
                recipient=row.recipient,
                sender=addresses[row.sender_id],
                body=body,
                segments=row.segments,
                encoding=row.encoding,
                callback_url=callbacks.receipt_url(provider_id, row.id, row.attempt),
                validity_seconds=None if left is None else max(1, left),
                lane=Lane(row.lane),
            )
        )
    return messages, unreadable, used


def _unreadable(row: _Row, error: bodies.CannotOpen) -> SendOutcome:
    """Certainly not sent. What is only locked waits until somebody puts the key back; the rest has failed."""
    if isinstance(error, bodies.Locked):
        log.error("text_locked", message_id=str(row.id))
        return SendOutcome(row.id, row.attempt, Outcome.THROTTLED, retry_after=LOCKED_SECONDS)
    log.error("text_gone", message_id=str(row.id))
    return SendOutcome(row.id, row.attempt, Outcome.REJECTED, failure=Failure.TEXT_GONE)
