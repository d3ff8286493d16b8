"""Claiming: queued rows become `sending` under a lease, committed before anything leaves the house.

The queue is the partial index `message_claim` (provider, lane, campaign, sender, country, age): its distinct prefixes
are the streams that wait, and `delivery.streams` says whose turn it is. Lanes are served in order. The campaigns of a
lane share what there is, and the streams of a campaign share its part, so a campaign of a million takes turns with one
of ten, and one to forty countries gets no more than one to a single country.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import redis
import structlog
from psycopg.rows import kwargs_row

from contacts import digests
from delivery import bodies, budgets, callbacks
from delivery.errors import Failure
from delivery.ids import ANYTIME, month_of_id
from delivery.lanes import URGENT, Lane
from delivery.limiter import RESERVED_SHARE, Demand, Grant, Limiter, Requests, account_bucket
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome
from delivery.runtime import DATABASE_AWAY
from delivery.states import Status, WaitsFor
from delivery.stopping import ERASED, STOPPED
from delivery.streams import Stream, Turns
from delivery.timerules import bound as timerules
from delivery.timerules import caps
from delivery.timerules.shut import SHUT_UNTIL

log = structlog.get_logger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: A campaign that is spread over hours must not make whatever comes after it wait for its next turn.
LONGEST_PACE_WAIT = 0.25
#: How long a message waits whose text cannot be read with the keys there are.
LOCKED_SECONDS = 60.0

# One UPDATE decides for each row that is picked: may it still be sent, or has the recipient said stop, or its time
# run out since it was queued, or is this not the hour for it? Holds are looked at again, for one may have come since
# the streams were read.
# The planner cannot know how few rows this is about: a literal LIMIT, an order that only the claim index has, and
# an array of ids keep it on the indexes with any statistics.
_CLAIM = f"""
WITH wanted AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(campaigns)s::bigint[], %(senders)s::bigint[], %(countries)s::text[],
                         %(budgets)s::int[], %(most)s::int[])
        AS w (lane, campaign_id, sender_id, country, budget, most)
), locked AS (
    SELECT m.*, w.* FROM wanted AS w CROSS JOIN LATERAL (
        SELECT id, created_at, segments, cost, recipient, place_id, counted, valid_until FROM delivery_message
        WHERE provider_id = %(provider_id)s AND lane = w.lane AND campaign_id = w.campaign_id
          AND sender_id = w.sender_id AND country = w.country AND status = '{Status.QUEUED}' AND id >= %(floor)s
          AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS h WHERE h.campaign_id = w.campaign_id)
        ORDER BY created_at LIMIT {{most}} FOR UPDATE SKIP LOCKED) AS m
), placed AS (
    SELECT *, sum(segments) OVER stream AS used, row_number() OVER stream AS place FROM locked
    WINDOW stream AS (PARTITION BY lane, campaign_id, sender_id, country ORDER BY created_at ROWS UNBOUNDED PRECEDING)
), fitting AS (
    SELECT id, campaign_id, segments, cost FROM placed WHERE used <= budget AND place <= most
){{paid}}, chosen AS (
    SELECT id FROM {{affordable}}
){{counted}}
UPDATE delivery_message AS m SET
    (status, reason, final_at, waits_for, not_before, claimed_at, lease_until, counted) = (
        SELECT fate,
               CASE fate WHEN '{Status.SUPPRESSED}' THEN COALESCE(stopped, waits_for)
                         WHEN '{Status.EXPIRED}' THEN '{Failure.EXPIRED}'
                         WHEN '{Status.HELD}' THEN m.reason ELSE '' END,
               CASE WHEN fate IN ('{Status.SUPPRESSED}', '{Status.EXPIRED}') THEN statement_timestamp() END,
               CASE WHEN fate = '{Status.HELD}' AND until > statement_timestamp() THEN waits_for ELSE '' END,
               CASE WHEN fate = '{Status.HELD}' THEN until ELSE m.not_before END,
               CASE WHEN fate <> '{Status.HELD}' THEN statement_timestamp() END,
               CASE WHEN fate <> '{Status.HELD}'
                    THEN statement_timestamp() + make_interval(secs => %(lease_seconds)s) END,
               m.counted OR ({{is_counted}} AND fate = '{Status.SENDING}')
        FROM (SELECT *, CASE WHEN stopped IS NOT NULL THEN '{Status.SUPPRESSED}'
                             WHEN m.valid_until <= statement_timestamp() THEN '{Status.EXPIRED}'
                             WHEN until IS NULL THEN '{Status.SENDING}'
                             WHEN not_sent OR m.valid_until <= until THEN '{Status.SUPPRESSED}'
                             ELSE '{Status.HELD}' END AS fate
              FROM (SELECT *, COALESCE(shut_until, room_at) AS until,
                           CASE WHEN shut_until IS NULL THEN '{WaitsFor.FREQUENCY_CAP}'
                                ELSE '{WaitsFor.QUIET_HOURS}' END AS waits_for
                    FROM (SELECT COALESCE(({STOPPED}), {{erased}}) AS stopped,
                                 {SHUT_UNTIL} AS shut_until, {{over}} OFFSET 0) AS known) AS looked) AS judged)
WHERE m.id = ANY(ARRAY(SELECT id FROM {{taken}})) AND m.id >= %(floor)s
RETURNING m.id, m.attempt, m.lane, m.recipient, m.body, m.segments, m.encoding, m.valid_until, m.status,
          m.campaign_id, m.sender_id, m.country, m.created_at, m.claimed_at
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    messages: Sequence[OutboundMessage]
    unreadable: Sequence[SendOutcome]
    """What became of those whose text cannot be read: they are claimed, and not to be sent."""
    wait: float
    """Seconds until the limits allow more; 0 if they did not stand in the way."""
    may_open: tuple[int, int] | None
    """Requests that this worker may have open now, for what is urgent and for the rest; None: nobody was asked."""


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
    country: str
    created_at: datetime
    claimed_at: datetime


@dataclass(slots=True)
class _Taken:
    """What a claim has got so far."""

    messages: list[OutboundMessage] = field(default_factory=list)
    unreadable: list[SendOutcome] = field(default_factory=list)

    @property
    def number(self) -> int:
        return len(self.messages) + len(self.unreadable)


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
    floor: UUID = ANYTIME,
) -> Claimed:
    """Claim what the limits allow, upper lanes first. Commits before it returns.

    `requests` is what this worker has open, and what all workers together may have. Reminders and bulk leave a share
    of these and of the tokens alone, so that an alert finds both there. Messages with ids below `floor` are not looked
    for.

    Raises redis.RedisError when the limiter, one of DATABASE_AWAY when the database is away: nothing is claimed then.
    """
    account = account_bucket(provider_id, rate)
    waiting = await turns.next(connection, provider_id, rate=rate, lanes=lanes, floor=floor)
    taken = _Taken()
    held: set[str] = set()
    short: list[Stream] = []
    wait, may_open = 0.0, None
    try:
        for number, lane in groupby(waiting, key=lambda stream: stream.lane):
            left = requests.room - taken.number
            if left <= 0:
                break
            turn = turns.shared(list(lane), left)
            reserve = 0.0 if number in URGENT else RESERVED_SHARE
            demands = [_demand(*each, reserve) for each in turn]
            now_held = replace(requests, ready=requests.ready + taken.number)
            grant = await limiter.take(account, demands, now_held, held=held)
            may_open = grant.may_open
            streams = [stream for stream, _ in turn]
            paced = any(stream.pace for stream in streams)
            wait = max(wait, min(grant.wait, LONGEST_PACE_WAIT) if paced else grant.wait)
            used = await _take_rows(connection, provider_id, streams, grant, lease_seconds, floor, taken)
            unused = [
                (stream.buckets, granted - used.get(stream.key, 0))
                for stream, granted in zip(streams, grant.segments, strict=True)
            ]
            await limiter.give_back(account, unused)
            # The lanes below must not use up the tokens that a message of this one gathers.
            held.update(filter(None, grant.short))
            short += [stream for stream, bucket in zip(streams, grant.short, strict=True) if bucket]
    except (redis.RedisError, *DATABASE_AWAY) as error:
        # What an upper lane has claimed already is ours to send, whatever became of the limiter since.
        if not taken.number:
            raise
        log.warning("claim_cut_short", provider_id=provider_id, error=type(error).__name__)
    turns.short(short)
    return Claimed(taken.messages, taken.unreadable, wait, may_open)


def _demand(stream: Stream, share: int, reserve: float) -> Demand:
    wanted = share if stream.budget is None else min(share, stream.budget)
    least = stream.next_segments
    return Demand(stream.buckets, max(wanted, least), least=least, reserve=reserve, group=stream.campaign_id)


async def _take_rows(
    connection: Connection,
    provider_id: int,
    streams: Sequence[Stream],
    grant: Grant,
    lease_seconds: int,
    floor: UUID,
    taken: _Taken,
) -> dict[tuple[int, int, str], int]:
    """Claim rows worth at most what was granted per stream, into `taken`. Returns the segments used, by stream."""
    granted = [
        (stream, segments, messages)
        for stream, segments, messages in zip(streams, grant.segments, grant.messages, strict=True)
        if segments > 0
    ]
    if not granted:
        return {}
    bound = timerules.lanes()
    pads = await digests.pads_over(connection)
    budgeted = sorted({stream.campaign_id for stream, _, _ in granted if stream.has_budget})
    parameters = {
        "provider_id": provider_id,
        "lanes": [stream.lane for stream, _, _ in granted],
        "campaigns": [stream.campaign_id for stream, _, _ in granted],
        "senders": [stream.sender_id for stream, _, _ in granted],
        "countries": [stream.country for stream, _, _ in granted],
        "budgets": [segments for _, segments, _ in granted],
        "most": [messages for _, _, messages in granted],
        "budgeted": budgeted,
        "bound": [lane.value for lane in bound],
        "lease_seconds": lease_seconds,
        "floor": floor,
        **(pads._asdict() if pads else {}),
    }
    claiming = statement(
        most=max(int(messages) for _, _, messages in granted),
        budgeted=bool(budgeted),
        capped=any(stream.is_capped and stream.lane in bound for stream, _, _ in granted),
        erased=pads is not None,
    )
    async with connection.transaction() if budgeted else nullcontext():
        if budgeted:
            await connection.execute(budgets.LOCK, {"budgeted": budgeted})
        cursor = await connection.cursor(row_factory=kwargs_row(_Row)).execute(claiming.encode(), parameters)
        rows = [row for row in await cursor.fetchall() if row.status == Status.SENDING]
    # An UPDATE returns rows as it finds them; two texts to one person leave in the order they were written.
    rows.sort(key=lambda row: (row.created_at, row.id))
    ciphers = await bodies.ciphers_over(connection, {month_of_id(row.id) for row in rows})
    addresses = {stream.sender_id: stream.sender for stream, _, _ in granted}
    used: dict[tuple[int, int, str], int] = {}
    for row in rows:
        try:
            body = bodies.open_with(ciphers, row.id, row.body)
        except bodies.CannotOpen as error:
            taken.unreadable.append(_unreadable(row, error))
            continue
        key = (row.campaign_id, row.sender_id, row.country)
        used[key] = used.get(key, 0) + row.segments
        taken.messages.append(_outbound(row, body, provider_id, addresses[row.sender_id]))
    return used


def statement(*, most: int, budgeted: bool = False, capped: bool = False, erased: bool = False) -> str:
    """The claim of at most so many rows of a stream; with the parts that only budgets, caps and erasures need."""
    return _CLAIM.format(
        most=most,
        paid=budgets.PAID if budgeted else "",
        affordable=budgets.CHOSEN if budgeted else "fitting",
        counted=caps.COUNTED if capped else "",
        erased=ERASED if erased else "NULL",
        over=caps.OVER if capped else caps.NEVER_OVER,
        is_counted=caps.IS_COUNTED if capped else "false",
        taken=caps.CHOSEN if capped else "chosen",
    )


def _outbound(row: _Row, body: str, provider_id: int, sender: str) -> OutboundMessage:
    left = int((row.valid_until - row.claimed_at).total_seconds()) if row.valid_until else None
    return OutboundMessage(
        id=row.id,
        attempt=row.attempt,
        recipient=row.recipient,
        sender=sender,
        body=body,
        segments=row.segments,
        encoding=row.encoding,
        callback_url=callbacks.receipt_url(provider_id, row.id, row.attempt),
        validity_seconds=None if left is None else max(1, left),
        lane=Lane(row.lane),
    )


def _unreadable(row: _Row, error: bodies.CannotOpen) -> SendOutcome:
    """Certainly not sent. What is only locked waits until somebody puts the key back; the rest has failed."""
    if isinstance(error, bodies.Locked):
        log.error("text_locked", message_id=str(row.id))
        return SendOutcome(row.id, row.attempt, Outcome.THROTTLED, retry_after=LOCKED_SECONDS)
    log.error("text_gone", message_id=str(row.id))
    return SendOutcome(row.id, row.attempt, Outcome.REJECTED, failure=Failure.TEXT_GONE)
