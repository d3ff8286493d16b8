"""A campaign's messages: a range of their primary key, which only the campaign knows."""

from django.db.models import QuerySet

from campaigns.models import Campaign
from delivery.ids import MAX_CAMPAIGN, campaign_range
from delivery.models import Message


def of(campaign_id: int, among: QuerySet[Message] | None = None) -> QuerySet[Message]:
    """The messages of a campaign, or of none (0). Of one that never was, or was not launched, there are none."""
    messages = Message.objects.all() if among is None else among
    if not campaign_id:
        return messages.filter(campaign_id=0)
    launched = Campaign.objects.filter(pk=campaign_id).values_list("launched_at", flat=True).first()
    if launched is None or campaign_id > MAX_CAMPAIGN:
        return messages.none()
    ids = campaign_range(launched, campaign_id)
    return messages.filter(pk__gte=ids.lowest, pk__lte=ids.highest, campaign_id=campaign_id)
