"""A campaign's counts: the sum of deltas that a trigger writes in the transaction of the rows it counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Sum

from delivery.models import Tally
from delivery.states import Status

#: What is counted for these has cost nothing: it waits, or never left.
NOT_HANDED_OVER = frozenset({Status.HELD, Status.QUEUED, Status.SUPPRESSED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Count:
    campaign_id: int
    status: Status
    reason: str
    messages: int
    segments: int
    cost: Decimal
    """By the price list, in the hub's currency."""


def counts(campaign_ids: Sequence[int]) -> list[Count]:
    """What there is of each (campaign, status, reason), exact at this commit, without the zeros."""
    rows = (
        Tally.objects.filter(campaign_id__in=campaign_ids)
        .values("campaign_id", "status", "reason")
        .annotate(total=Sum("messages"), total_segments=Sum("segments"), total_cost=Sum("cost"))
        .order_by("campaign_id", "status", "reason")
    )
    return [
        Count(
            campaign_id=row["campaign_id"],
            status=Status(row["status"]),
            reason=row["reason"],
            messages=row["total"],
            segments=row["total_segments"],
            cost=row["total_cost"],
        )
        for row in rows
        if row["total"]
    ]


_SQUASH = """
WITH crowded AS (
    SELECT campaign_id FROM delivery_tally GROUP BY campaign_id HAVING count(*) > %(keep)s
), gone AS (
    DELETE FROM delivery_tally WHERE id IN (
        SELECT id FROM delivery_tally WHERE campaign_id IN (SELECT campaign_id FROM crowded)
        FOR UPDATE SKIP LOCKED)
    RETURNING campaign_id, status, reason, messages, segments, cost
)
INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
SELECT campaign_id, status, reason, sum(messages), sum(segments), sum(cost) FROM gone
GROUP BY campaign_id, status, reason HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(cost) <> 0
"""


def squash(*, keep: int = 50) -> None:
    """Fold deltas together for campaigns that have more than `keep` of them. Changes no sum at any commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SQUASH, {"keep": keep})
