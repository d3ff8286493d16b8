"""Another attempt by another route, after a failure that is the route's fault: see `retries.BY_ANOTHER_ROUTE`.

The provider said that it does not have the message, so a second attempt is safe; that the message was routed says
that the sender is ours to choose. Runs in the transaction that has just written the failure, so that nobody ever
sees it as final: in settling, which is asynchronous, and in applying receipts, which is not. Hence statements that
are yielded, and two who run them.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from delivery import prices
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.retries import BY_ANOTHER_ROUTE, FAILED, MOST_BY_ANOTHER_ROUTE, POLICY_BY_ROUTE, RETRY_FAILED, Differs
from delivery.routing import routes
from delivery.routing.failover import MOVE, Move, point
from delivery.routing.routes import Ways
from delivery.routing.table import Route
from delivery.states import Status, sql_in

ROUTES_FAULT = frozenset(BY_ANOTHER_ROUTE)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
_Steps = Generator[tuple[str, dict[str, Any]], list[tuple[Any, ...]], None]

# What the failed attempts of a message went through: the present one's provider and sender, and earlier providers.
_ROUTED = f"""
SELECT m.id, m.recipient, m.country, m.lane, m.status, m.reason, m.provider_id, m.sender_id, m.segments,
       ARRAY(SELECT provider_id FROM delivery_attempt AS earlier WHERE earlier.message_id = m.id)
FROM delivery_message AS m
WHERE m.id = ANY(%(ids)s::uuid[]) AND m.routed AND m.reason = ANY(%(reasons)s::text[])
  AND m.status IN {sql_in(FAILED | {Status.HELD})} AND m.attempt <= %(most)s
"""


class _Row(NamedTuple):
    id: UUID
    recipient: str
    country: str
    lane: Lane
    status: str
    reason: str
    provider_id: int
    sender_id: int
    segments: int
    earlier: list[int]

    def refuses(self, route: Route) -> bool:
        if BY_ANOTHER_ROUTE[Failure(self.reason)] is Differs.SENDER:
            return route.sender_id == self.sender_id
        return route.provider_id in (self.provider_id, *self.earlier)


async def retry(connection: Connection, ids: Sequence[UUID]) -> None:
    """Of these messages, refused when they were handed over, try those again that were routed and can go elsewhere."""
    steps = _retry(ids, told_by_carrier=False)
    answer: list[tuple[Any, ...]] | None = None
    while (step := _next(steps, answer)) is not None:
        cursor = await connection.execute(step[0].encode(), step[1])
        answer = await cursor.fetchall() if cursor.description else []


def retry_failed(ids: Sequence[UUID]) -> None:
    """Of these messages, whose failure came as a receipt and has been put to the table of retries: the same.

    Those that the table holds for another attempt after a carrier's trouble are pointed another way as well.
    """
    steps = _retry(ids, told_by_carrier=True)
    answer: list[tuple[Any, ...]] | None = None
    with psycopg.Cursor(django_connection.connection) as cursor:
        while (step := _next(steps, answer)) is not None:
            cursor.execute(step[0].encode(), step[1])
            answer = cursor.fetchall() if cursor.description else []


def _retry(ids: Sequence[UUID], *, told_by_carrier: bool) -> _Steps:
    reasons = [failure.value for failure in BY_ANOTHER_ROUTE]
    found = yield _ROUTED, {"ids": list(ids), "reasons": reasons, "most": MOST_BY_ANOTHER_ROUTE}
    rows = [_Row(*row) for row in found]
    if not rows:
        return
    table = routes.build((yield routes.SELECT, routes.PARAMETERS))
    ways = Ways(table, prices.build((yield prices.SELECT, {})))
    moves, again = [], []
    for row in rows:
        if told_by_carrier and row.status != Status.HELD and row.reason == Failure.CARRIER:
            continue
        route = table.choose(row.recipient, row.country, row.lane, refused=row.refuses)
        if route is None:
            continue
        moves.append(Move(row.id, route.provider_id, route.sender_id, ways.cost(route, row.country, row.segments)))
        if row.status != Status.HELD:
            again.append(row.id)
    if again:
        [(now,)] = yield "SELECT statement_timestamp()", {}
        yield RETRY_FAILED, {**POLICY_BY_ROUTE, "ids": again, "now": now}
    if moves:
        # What may not be tried again, for its time has run out or its attempts have, is not unclaimed: it stays.
        yield MOVE, point(moves)


def _next(steps: _Steps, answer: list[tuple[Any, ...]] | None) -> tuple[str, dict[str, Any]] | None:
    try:
        return next(steps) if answer is None else steps.send(answer)
    except StopIteration:
        return None
