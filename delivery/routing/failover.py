"""Queued messages of a provider that is not well go another way: a page of them a round, in one UPDATE.

What was routed is put to the table again. Everybody keeps the route that the weights give them, so of a provider that
lost a quarter of its weight about a quarter goes, and of one that is open all that another can take. Never more than
that: of what would be sent before it, no provider gets more waiting than its rate clears in FAILOVER_SECONDS. The
rest stays where it is, and goes in a later round, or when its own provider is back.

A message whose sender was named is never moved, nor one that anybody has claimed: its fate is not known.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from delivery import wake
from delivery.lanes import Lane
from delivery.models import CampaignHold, HealthChange, Provider, ProviderHealth
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.routing.rules import State
from delivery.states import UNCLAIMED, Status, sql_in

log = structlog.get_logger(__name__)

#: Rows that one round looks at, per provider.
PAGE = 5000

CURSOR = ("lane", "campaign", "sender", "country", "at", "id")
_START = (-1, -1, -1, "", "-infinity", "00000000-0000-0000-0000-000000000000")

# By the claim index, whose order the cursor follows; the id sets rows of one moment apart.
_PAGE = f"""
SELECT id, recipient, country, lane, campaign_id, sender_id, created_at, segments, routed FROM delivery_message
WHERE provider_id = %(provider_id)s AND status = '{Status.QUEUED}'
  AND (lane, campaign_id, sender_id, country, created_at, id)
      > (%(lane)s, %(campaign)s, %(sender)s, %(country)s, %(at)s::timestamptz, %(id)s)
ORDER BY lane, campaign_id, sender_id, country, created_at, id LIMIT {PAGE}
"""

#: Points messages that nobody has claimed at another sender. Whatever was claimed, or is being, is passed over.
MOVE = f"""
UPDATE delivery_message AS m SET provider_id = moved.provider_id, sender_id = moved.sender_id, cost = moved.cost
FROM unnest(%(ids)b::uuid[], %(providers)b::bigint[], %(senders)b::bigint[], %(costs)b::numeric[])
    AS moved (id, provider_id, sender_id, cost)
WHERE m.id = moved.id AND m.id = ANY(ARRAY(
    SELECT id FROM delivery_message WHERE id = ANY(%(ids)b::uuid[]) AND status IN {sql_in(UNCLAIMED)} AND routed
    ORDER BY id FOR UPDATE SKIP LOCKED))
"""

# What waits per provider and lane and is not on hold, each stream counted no further than anybody needs to know.
_WAITING = f"""
WITH RECURSIVE stream AS (
    (SELECT provider_id, lane, campaign_id, sender_id, country FROM delivery_message
     WHERE status = '{Status.QUEUED}'
     ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM stream CROSS JOIN LATERAL (
        SELECT provider_id, lane, campaign_id, sender_id, country FROM delivery_message
        WHERE status = '{Status.QUEUED}' AND (provider_id, lane, campaign_id, sender_id, country)
              > (stream.provider_id, stream.lane, stream.campaign_id, stream.sender_id, stream.country)
        ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1) AS next
)
SELECT stream.provider_id, stream.lane, sum((
    SELECT count(*) FROM (
        SELECT 1 FROM delivery_message
        WHERE provider_id = stream.provider_id AND lane = stream.lane AND campaign_id = stream.campaign_id
          AND sender_id = stream.sender_id AND country = stream.country AND status = '{Status.QUEUED}'
        ORDER BY created_at LIMIT %(most)s) AS waiting))
FROM stream
WHERE NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = stream.campaign_id)
GROUP BY 1, 2
"""


class Move(NamedTuple):
    id: UUID
    provider_id: int
    sender_id: int
    cost: Decimal


class _Row(NamedTuple):
    id: UUID
    recipient: str
    country: str
    lane: int
    campaign_id: int
    sender_id: int
    created_at: datetime
    segments: int
    routed: bool

    @property
    def cursor(self) -> list[Any]:
        at = self.created_at.isoformat()
        return [self.lane, self.campaign_id, self.sender_id, self.country, at, str(self.id)]


@dataclass
class _Room:
    """How much each provider can still be given, lane by lane: lower lanes wait for the upper ones."""

    left: dict[int, float]
    ahead: dict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))

    def take(self, provider_id: int, lane: int, segments: int) -> bool:
        before = sum(self.ahead[provider_id, upper] for upper in range(lane + 1))
        if before + segments > self.left.get(provider_id, 0.0):
            return False
        self.ahead[provider_id, lane] += segments
        return True


def review() -> int:
    """One round for every provider that lost health or is open. Returns how many messages went another way."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('smshub failover', 0))")
        if not cursor.fetchone()[0]:
            return 0
        due = list(ProviderHealth.objects.filter(Q(review=True) | Q(state=State.OPEN)).order_by("provider_id"))
        if not due:
            return 0
        ways = routes.ways()
        if not ways.table:
            ProviderHealth.objects.filter(review=True).update(review=False, review_after=None)
            return 0
        room = _room()
        return sum(_review(health, ways, room) for health in due)


def point(moves: list[Move]) -> dict[str, Any]:
    """The parameters of MOVE."""
    return {
        "ids": [move.id for move in moves],
        "providers": [move.provider_id for move in moves],
        "senders": [move.sender_id for move in moves],
        "costs": [move.cost for move in moves],
    }


def _review(health: ProviderHealth, ways: Ways, room: _Room) -> int:
    rows = _page(health)
    held = set(CampaignHold.objects.values_list("campaign_id", flat=True))
    moves, left = [], False
    for row in rows:
        if not row.routed or row.campaign_id in held:
            continue
        route = ways.to(row.recipient, row.country, row.lane)
        if route is None or not route.on or route.sender_id == row.sender_id:
            continue
        if route.provider_id != health.provider_id and not room.take(route.provider_id, row.lane, row.segments):
            left = True
            continue
        moves.append(Move(row.id, route.provider_id, route.sender_id, ways.cost(route, row.country, row.segments)))
    moved = _move(moves)
    if moved:
        log.info("rerouted", provider_id=health.provider_id, messages=moved)
        last = HealthChange.objects.filter(provider_id=health.provider_id).values("pk")[:1]
        HealthChange.objects.filter(pk__in=last).update(moved=F("moved") + moved)
        for provider_id in {move.provider_id for move in moves}:
            transaction.on_commit(partial(wake.dispatch, provider_id))
    if left:
        return moved
    # All of the page is where it should be: on to the next, and at the end an open one begins anew.
    ended = len(rows) < PAGE
    health.review_after = None if ended else rows[-1].cursor
    health.review = not ended
    health.save(update_fields=["review", "review_after"])
    return moved


def _page(health: ProviderHealth) -> list[_Row]:
    after = dict(zip(CURSOR, health.review_after or _START, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, after | {"provider_id": health.provider_id})
        return [_Row(*row) for row in cursor.fetchall()]


def _move(moves: list[Move]) -> int:
    if not moves:
        return 0
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(MOVE, point(moves))
        return int(cursor.rowcount)


def _room() -> _Room:
    seconds = settings.FAILOVER_SECONDS
    rates = dict(Provider.objects.filter(enabled=True).values_list("pk", "rate"))
    room = _Room({provider_id: rate * seconds for provider_id, rate in rates.items()})
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"most": int(max(rates.values(), default=0) * seconds) + 1})
        for provider_id, lane, messages in cursor.fetchall():
            room.ahead[provider_id, Lane(lane)] += float(messages)
    return room
