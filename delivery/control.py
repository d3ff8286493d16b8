"""Holding, releasing and cancelling what is queued of a campaign."""

from django.db import connection, transaction
from django.utils import timezone

from delivery.models import CampaignHold
from delivery.states import UNCLAIMED, Status, sql_in

_CANCEL = f"""
UPDATE delivery_message SET status = '{Status.CANCELLED}', final_at = %(now)s, ask_at = NULL
WHERE id IN (SELECT id FROM delivery_message
             WHERE campaign_id = %(campaign_id)s AND campaign_id > 0 AND status IN {sql_in(UNCLAIMED)}
             ORDER BY id LIMIT %(limit)s FOR UPDATE)
"""


def hold(campaign_id: int) -> None:
    """From this commit on nothing of the campaign is claimed, however much of it is queued. Idempotent."""
    CampaignHold.objects.get_or_create(campaign_id=campaign_id)


def release(campaign_id: int) -> None:
    CampaignHold.objects.filter(campaign_id=campaign_id).delete()


def cancel_queued(campaign_id: int, *, limit: int = 5000) -> int:
    """Cancel up to `limit` messages that nobody has claimed. Returns how many; 0 means that none is left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CANCEL, {"campaign_id": campaign_id, "limit": limit, "now": timezone.now()})
        return int(cursor.rowcount)
