"""Turns: an endpoint is one process's for some seconds, which takes what is due, in order, and writes what came of it.

That one process tells an endpoint is what keeps the order: of a subject the oldest event is taken, and no later one
before that has been delivered or given up. A turn ends long before its lease; a killed process's endpoint is another's
when the lease is over, and what it had not written is sent again.

Each of these is one statement, so that the turns of a process share one connection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from delivery import bodies
from delivery.ids import month_of_id
from delivery.webhooks import schedule

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: An answer that says: nothing more, ever.
GONE = 410
#: More than a turn, its last request and the writing of what came of it take.
LEASE_SECONDS = 60

# The look at what is due is LATERAL in the order of its index with LIMIT 1, so that statistics from before the outbox
# was drained do not lead to a walk through it. Whoever waited longest is first.
_CLAIM = """
UPDATE delivery_webhookendpoint AS e SET
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s), turn = e.turn + 1,
    turn_at = statement_timestamp()
WHERE e.id = ANY(ARRAY(
    SELECT waiting.id FROM delivery_webhookendpoint AS waiting
    CROSS JOIN LATERAL (
        SELECT true FROM delivery_webhookdelivery AS d
        WHERE d.endpoint_id = waiting.id AND d.state = 0 AND d.not_before <= statement_timestamp()
        ORDER BY d.not_before, d.id LIMIT 1) AS due
    WHERE waiting.enabled
      AND (waiting.lease_until IS NULL OR waiting.lease_until <= statement_timestamp())
      AND (waiting.not_before IS NULL OR waiting.not_before <= statement_timestamp())
    ORDER BY waiting.turn_at NULLS FIRST LIMIT %(room)s FOR UPDATE OF waiting SKIP LOCKED))
RETURNING e.id, e.turn, e.url, e.api_key_id, e.secret, e.previous_until, e.failures, e.failures >= %(down)s,
    statement_timestamp()
"""
# What is behind another of its subject is moved behind it, so that it is not looked at again before.
_TAKE = """
WITH due AS (
    SELECT id, subject FROM delivery_webhookdelivery
    WHERE endpoint_id = %(endpoint)s AND state = 0 AND not_before <= statement_timestamp()
      AND subject <> ALL(%(telling)s::uuid[])
    ORDER BY not_before, id LIMIT %(window)s
), placed AS (
    SELECT due.id, earlier.not_before AS behind
    FROM due LEFT JOIN LATERAL (
        SELECT id, not_before FROM delivery_webhookdelivery AS e
        WHERE e.endpoint_id = %(endpoint)s AND e.state = 0 AND e.subject = due.subject AND e.id < due.id
        ORDER BY e.id LIMIT 1) AS earlier ON true
), moved AS (
    UPDATE delivery_webhookdelivery AS d SET not_before = placed.behind
    FROM placed WHERE d.id = placed.id AND d.not_before < placed.behind
)
SELECT d.id, d.event_id, d.type, d.subject, d.data, d.at, d.tries, d.url,
       d.created_at < statement_timestamp() - make_interval(secs => %(give_up)s), statement_timestamp()
FROM placed JOIN delivery_webhookdelivery AS d ON d.id = placed.id
WHERE placed.behind IS NULL ORDER BY d.not_before, d.id LIMIT %(room)s
"""
_SAID = """
SELECT r.message_id, r.metadata, r.client_reference, r.is_test
FROM unnest(%s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (SELECT * FROM delivery_messagerequest WHERE message_id = asked.id LIMIT 1) AS r
"""
_TEXTS = "SELECT id, body FROM delivery_inbound WHERE id = ANY(%s::uuid[])"
# A failure that comes after somebody else's turn has delivered it is none.
_SETTLE = """
WITH result AS (
    SELECT * FROM unnest(%(ids)b::bigint[], %(taken)b::boolean[], %(codes)b::int[], %(errors)b::text[],
                         %(took)b::int[], %(waits)b::float8[]) AS r (id, taken, code, error, took_ms, wait)
), written AS (
    UPDATE delivery_webhookdelivery AS d SET
        state = CASE WHEN r.taken THEN 1 WHEN r.wait IS NULL THEN 2 ELSE 0 END,
        tries = LEAST(d.tries + 1, 1000), code = r.code, error = r.error, took_ms = r.took_ms,
        not_before = CASE WHEN r.taken OR r.wait IS NULL THEN d.not_before
                          ELSE statement_timestamp() + make_interval(secs => r.wait) END,
        ended_at = CASE WHEN r.taken OR r.wait IS NULL THEN statement_timestamp() END
    FROM result AS r WHERE d.id = r.id AND d.state = 0
    RETURNING d.id
), noted AS (
    INSERT INTO delivery_webhookattempt (delivery_id, at, code, error, took_ms)
    SELECT r.id, statement_timestamp(), r.code, r.error, r.took_ms
    FROM result AS r JOIN written ON written.id = r.id WHERE NOT r.taken ORDER BY r.id
)
UPDATE delivery_webhookendpoint AS e SET
    failures = %(failures)s,
    failing_since = CASE WHEN %(failures)s = 0 THEN NULL ELSE COALESCE(e.failing_since, statement_timestamp()) END,
    last_success_at = CASE WHEN %(any_taken)s THEN statement_timestamp() ELSE e.last_success_at END,
    last_error = CASE WHEN %(error)s = '' THEN e.last_error ELSE %(error)s END,
    last_error_at = CASE WHEN %(error)s = '' THEN e.last_error_at ELSE statement_timestamp() END,
    not_before = CASE WHEN %(pause)s > 0 THEN statement_timestamp() + make_interval(secs => %(pause)s)
                      ELSE e.not_before END
WHERE e.id = %(endpoint)s AND e.turn = %(turn)s
"""
_LEAVE = "UPDATE delivery_webhookendpoint SET lease_until = NULL WHERE id = %s AND turn = %s"


@dataclass(frozen=True, slots=True)
class Turn:
    """An endpoint that is this process's to tell."""

    endpoint_id: int
    number: int
    url: str
    api_key_id: int | None
    sealed_secret: bytes = field(repr=False)
    previous_until: datetime | None
    failures: int
    is_trial: bool
    """It was down when the turn began, and has taken nothing since."""
    began: datetime
    """By the database's clock."""

    @property
    def is_down(self) -> bool:
        """Whether one event at a time is tried, until it takes one."""
        return self.failures >= schedule.DOWN_AFTER


@dataclass(frozen=True, slots=True)
class Due:
    """An event to be sent. `data` is None where it is not kept any more."""

    id: int
    event_id: UUID
    type: str
    subject: UUID
    data: dict[str, Any] | None = field(repr=False)
    at: datetime
    tries: int
    url: str | None = field(repr=False)
    too_old: bool
    now: datetime
    """The database's clock, when it was taken."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one request. `error` is empty where it was taken; `asked`: seconds that the endpoint wants."""

    due: Due
    code: int | None
    error: str
    took_ms: int
    asked: float = 0.0

    @property
    def taken(self) -> bool:
        return not self.error


async def claim(connection: Connection, room: int) -> list[Turn]:
    """Up to so many endpoints that something is due for, those first that waited longest."""
    cursor = await connection.execute(_CLAIM, {"lease": LEASE_SECONDS, "room": room, "down": schedule.DOWN_AFTER})
    return [Turn(*row) for row in await cursor.fetchall()]


async def take(connection: Connection, turn: Turn, room: int, telling: Sequence[UUID]) -> list[Due]:
    """Up to so many events that may be sent now, the oldest first, none about what is being told."""
    values = {
        "endpoint": turn.endpoint_id,
        "telling": list(telling),
        # An event has up to two others of its subject behind it.
        "window": 3 * room,
        "room": room,
        "give_up": schedule.GIVE_UP_AFTER.total_seconds(),
    }
    cursor = await connection.execute(_TAKE, values)
    found = [Due(*row) for row in await cursor.fetchall()]
    return await _with_texts(connection, await _with_requests(connection, found))


async def settle(connection: Connection, turn: Turn, results: Sequence[Result]) -> Turn:
    """Write what came of these, and how the endpoint stands now. Safe to repeat."""
    after = _after(turn, results)
    asked = max(result.asked for result in results)
    failed = [result for result in results if not result.taken]
    values: dict[str, Any] = {
        "ids": [result.due.id for result in results],
        "taken": [result.taken for result in results],
        "codes": [result.code for result in results],
        "errors": [result.error[:120] for result in results],
        "took": [result.took_ms for result in results],
        "waits": [_wait(result) for result in results],
        "failures": after.failures,
        "any_taken": len(failed) < len(results),
        "error": failed[-1].error[:120] if failed else "",
        "pause": schedule.pause(after.failures, asked),
        "endpoint": turn.endpoint_id,
        "turn": turn.number,
    }
    await connection.execute(_SETTLE, values)
    return after


async def leave(connection: Connection, turn: Turn) -> None:
    """The endpoint may be another process's."""
    await connection.execute(_LEAVE, (turn.endpoint_id, turn.number))


def _wait(result: Result) -> float | None:
    if result.due.too_old or result.code == GONE:
        return None
    return schedule.wait(result.due.tries + 1)


def _after(turn: Turn, results: Sequence[Result]) -> Turn:
    """Requests that failed side by side say no more than that it is down; from then on each trial counts."""
    if any(result.taken for result in results):
        return replace(turn, failures=0, is_trial=False)
    failures = turn.failures + len(results)
    return replace(turn, failures=failures if turn.is_trial else min(failures, schedule.DOWN_AFTER))


async def _with_requests(connection: Connection, found: list[Due]) -> list[Due]:
    """What a caller said of its message stands with that, and nowhere else. Messages of campaigns have none."""
    about = [due for due in found if due.type.startswith("message.") and due.data is not None]
    own = [due.subject for due in about if due.data and due.data["campaign"] is None]
    said: dict[UUID, tuple[Any, str, bool]] = {}
    if own:
        cursor = await connection.execute(_SAID, (own,))
        said = {message_id: tuple(row) for message_id, *row in await cursor.fetchall()}
    ids = {due.id for due in about}
    return [_with_request(due, *said.get(due.subject, ({}, "", False))) if due.id in ids else due for due in found]


def _with_request(due: Due, metadata: Any, reference: str, is_test: bool) -> Due:
    more = {"metadata": metadata, "client_reference": reference, "is_test": is_test}
    return replace(due, data={**(due.data or {}), **more})


async def _with_texts(connection: Connection, found: list[Due]) -> list[Due]:
    """What people wrote stands sealed with their text, and nowhere else."""
    ids = [due.subject for due in found if due.type == "inbound.received" and due.data is not None]
    if not ids:
        return found
    cursor = await connection.execute(_TEXTS, (ids,))
    sealed: dict[UUID, bytes | None] = dict(await cursor.fetchall())
    ciphers = await bodies.ciphers_over(connection, {month_of_id(inbound_id) for inbound_id in sealed})
    return [_with_text(due, sealed, ciphers) if due.subject in sealed else due for due in found]


def _with_text(due: Due, sealed: Mapping[UUID, bytes | None], ciphers: bodies.Ciphers) -> Due:
    try:
        text = bodies.open_with(ciphers, due.subject, sealed[due.subject])
    except bodies.CannotOpen:
        return due
    return replace(due, data={**(due.data or {}), "body": text})
