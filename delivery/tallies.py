"""Counts of messages: the sum of deltas that a trigger writes in the transaction of the rows it counts.

Those of a campaign are its own, those of no campaign are counted by the day (UTC) they were written. Messages of the
test carrier are not counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from delivery.models import Tally
from delivery.states import Status

#: What is counted for these has cost nothing: it waits, or never left.
NOT_HANDED_OVER = frozenset({Status.HELD, Status.QUEUED, Status.SUPPRESSED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Count:
    campaign_id: int
    """0: of a day's messages of no campaign."""
    status: Status
    reason: str
    messages: int
    segments: int
    cost: Decimal
    """By the price list, in the hub's currency."""
    provider_id: int | None = None
    """Where providers are told apart; None as well for what has none."""


def counts(campaign_ids: Sequence[int]) -> list[Count]:
    """What there is of each (campaign, status, reason), exact at this commit, without the zeros."""
    return list(_summed(Tally.objects.filter(campaign_id__in=campaign_ids)))


def by_provider(campaign_id: int) -> list[Count]:
    """As `counts`, of each provider. Of a campaign that began before providers were told apart some are below zero."""
    return list(_summed(Tally.objects.filter(campaign_id=campaign_id), "provider_id"))


def of_day(day: date) -> list[Count]:
    """What there is of the messages of no campaign that were written on that day in UTC."""
    return [count for count in _summed(Tally.objects.filter(day=day)) if count.messages > 0]


def _summed(rows: QuerySet[Tally], *also: str) -> Iterator[Count]:
    keys = ("campaign_id", "status", "reason", *also)
    summed: Any = (
        rows.values(*keys)
        .annotate(total=Sum("messages"), total_segments=Sum("segments"), total_cost=Sum("cost"))
        .order_by(*keys)
    )
    for row in summed:
        if row["total"]:
            yield Count(
                campaign_id=row["campaign_id"],
                status=Status(row["status"]),
                reason=row["reason"],
                messages=row["total"],
                segments=row["total_segments"],
                cost=row["total_cost"],
                provider_id=row.get("provider_id"),
            )


# Crowded is what folding would make smaller, not what has many statuses, reasons and providers. It is found once, and
# what is locked is found again by where it lies, so that this costs the same by any plan: one that was made when the
# table was empty, and is kept for a prepared statement, did both anew for each row.
SQUASH = """
WITH crowded AS MATERIALIZED (
    SELECT campaign_id, day FROM delivery_tally GROUP BY campaign_id, day
    HAVING count(*) > %(keep)s AND count(*) >= 2 * count(DISTINCT (status, reason, provider_id))
), gone AS (
    DELETE FROM delivery_tally WHERE ctid = ANY(ARRAY(
        SELECT tally.ctid FROM delivery_tally AS tally JOIN crowded
            ON crowded.campaign_id = tally.campaign_id AND crowded.day IS NOT DISTINCT FROM tally.day
        FOR UPDATE OF tally SKIP LOCKED))
    RETURNING campaign_id, day, provider_id, status, reason, messages, segments, cost
)
INSERT INTO delivery_tally (campaign_id, day, provider_id, status, reason, messages, segments, cost)
SELECT campaign_id, day, provider_id, status, reason, sum(messages), sum(segments), sum(cost) FROM gone
GROUP BY campaign_id, day, provider_id, status, reason
HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(cost) <> 0
"""


def squash(*, keep: int = 50) -> None:
    """Fold deltas together where there are more than `keep` of them. Changes no sum at any commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQUASH, {"keep": keep})
