"""Holding, releasing, limiting and cancelling what is queued of a campaign; withdrawing messages of their own."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from delivery.ids import month_bounds, month_of
from delivery.models import CampaignHold, CampaignLimit, MessageEvent
from delivery.states import UNCLAIMED, Status, sql_in

# The campaign's streams by a loose scan of the claim index, then rows of them: the cost is that of the rows that are
# cancelled, not of those that have gone before. The bounds of its month keep this to one partition; its own would
# only make the scan look at each row of the others.
_CANCEL_QUEUED = f"""
WITH RECURSIVE stream AS (
    (SELECT provider_id, lane, campaign_id, sender_id, country FROM delivery_message
     WHERE status = '{Status.QUEUED}' AND id >= %(first)s AND id < %(end)s
     ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM stream CROSS JOIN LATERAL (
        SELECT provider_id, lane, campaign_id, sender_id, country FROM delivery_message
        WHERE status = '{Status.QUEUED}' AND id >= %(first)s AND id < %(end)s
          AND (provider_id, lane, campaign_id, sender_id, country)
              > (stream.provider_id, stream.lane, stream.campaign_id, stream.sender_id, stream.country)
        ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1) AS next
), chosen AS (
    SELECT m.id FROM stream CROSS JOIN LATERAL (
        SELECT id FROM delivery_message
        WHERE provider_id = stream.provider_id AND lane = stream.lane AND campaign_id = stream.campaign_id
          AND sender_id = stream.sender_id AND country = stream.country AND status = '{Status.QUEUED}'
          AND id >= %(first)s AND id < %(end)s
        ORDER BY created_at LIMIT {{limit}} FOR UPDATE) AS m
    WHERE stream.campaign_id = %(campaign_id)s LIMIT {{limit}}
)
UPDATE delivery_message SET status = '{Status.CANCELLED}', final_at = %(now)s
WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND id >= %(first)s AND id < %(end)s
"""

_CANCEL_HELD = f"""
UPDATE delivery_message SET status = '{Status.CANCELLED}', final_at = %(now)s
WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_message WHERE campaign_id = %(campaign_id)s AND status = '{Status.HELD}'
      AND id >= %(first)s AND id < %(end)s
    ORDER BY not_before LIMIT {{limit}} FOR UPDATE)) AND id >= %(first)s AND id < %(end)s
"""


def hold(campaign_id: int) -> None:
    """From this commit on nothing of the campaign is claimed, however much of it is queued. Idempotent."""
    CampaignHold.objects.get_or_create(campaign_id=campaign_id)


def release(campaign_id: int) -> None:
    CampaignHold.objects.filter(campaign_id=campaign_id).delete()


def limit(campaign_id: int, *, rate: float | None, max_segments: int | None, max_cost: Decimal | None = None) -> None:
    """From this commit on the campaign keeps to so many segments per second, to so many in all, and to so much money.

    None: no limit.
    """
    if rate is None and max_segments is None and max_cost is None:
        CampaignLimit.objects.filter(campaign_id=campaign_id).delete()
    else:
        values = {"rate": rate, "max_segments": max_segments, "max_cost": max_cost, "spent": False}
        CampaignLimit.objects.update_or_create(campaign_id=campaign_id, defaults=values)


def pace(campaign_id: int) -> float | None:
    """Segments per second that the campaign keeps to."""
    return CampaignLimit.objects.filter(campaign_id=campaign_id).values_list("rate", flat=True).first()


def is_spent(campaign_id: int) -> bool:
    """Whether what is left of the campaign's money did not pay for a message that was next."""
    return CampaignLimit.objects.filter(campaign_id=campaign_id, spent=True).exists()


def cancel_queued(campaign_id: int, launched_at: datetime, *, limit: int = 5000) -> int:
    """Cancel messages that nobody has claimed, about `limit` at a time. Returns how many; 0: none is left."""
    first, end = month_bounds(month_of(launched_at))
    parameters: dict[str, Any] = {"campaign_id": campaign_id, "now": timezone.now(), "first": first, "end": end}
    cancelled = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (_CANCEL_QUEUED, _CANCEL_HELD):
            cursor.execute(statement.format(limit=int(limit)), parameters)
            cancelled += cursor.rowcount
    return cancelled


_WITHDRAW = f"""
WITH wanted AS (
    SELECT m.id FROM delivery_message AS m JOIN unnest(%(ids)s::uuid[]) AS w (id) USING (id)
    WHERE m.id BETWEEN %(first)s AND %(last)s AND m.status IN {sql_in(UNCLAIMED)} ORDER BY m.id FOR UPDATE OF m
)
UPDATE delivery_message SET status = '{Status.CANCELLED}', final_at = %(now)s
WHERE id = ANY(ARRAY(SELECT id FROM wanted)) AND id BETWEEN %(first)s AND %(last)s RETURNING id
"""
_SAY_SO = f"""
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT m.id, 'withdrawn', %(now)s, '{MessageEvent.Source.HUB}', m.status, m.attempt, '', '', told.detail
FROM unnest(%(ids)s::uuid[], %(details)s::text[]) AS told (id, detail) JOIN delivery_message AS m ON m.id = told.id
WHERE m.id BETWEEN %(first)s AND %(last)s
ON CONFLICT DO NOTHING
"""


def withdraw(why: Mapping[UUID, str], *, now: datetime) -> set[UUID]:
    """Cancel those of these messages that nobody has claimed, and say why in the timeline of each, of the rest as well.

    In the caller's transaction. Returns which were cancelled; the others have left, or had come to their end.
    """
    if not why:
        return set()
    ids = sorted(why)
    parameters: dict[str, Any] = {
        "ids": ids,
        "details": [why[message_id][:200] for message_id in ids],
        "now": now,
        # The bounds spare it the other months.
        "first": ids[0],
        "last": ids[-1],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW, parameters)
        withdrawn = {message_id for (message_id,) in cursor.fetchall()}
        cursor.execute(_SAY_SO, parameters)
    return withdrawn
