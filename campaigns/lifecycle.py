"""What becomes of launched campaigns by themselves: looked after every second, closed when nothing is open."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from campaigns import transitions, wake
from campaigns.models import Campaign
from campaigns.transitions import Action, Status
from delivery import control as delivery_control
from delivery import tallies
from delivery.states import OPEN, UNCLAIMED
from delivery.states import Status as MessageStatus


def look_after() -> None:
    """Say again what is still to be done for every campaign under way, and close those that are done.

    So a worker that was killed and a broker that forgot cost a second and lose nothing.
    """
    under_way = list(Campaign.objects.filter(launched_at__isnull=False, finished_at=None).order_by("pk"))
    # Counted after reading that everyone has a row: with that said, there is no row that is not counted.
    present = _statuses(campaign.pk for campaign in under_way if campaign.materialised_at)
    for campaign in under_way:
        cancelled = campaign.status == Status.CANCELLED
        if campaign.materialised_at:
            if not present[campaign.pk] & OPEN:
                _finish(campaign.pk)
            elif cancelled and present[campaign.pk] & UNCLAIMED:
                wake.cancel_rest(campaign.pk)
        elif cancelled:
            wake.cancel_rest(campaign.pk)
        elif campaign.audience_size is None:
            wake.freeze(campaign.pk)
        else:
            wake.materialise(campaign.pk)


def _statuses(campaign_ids: Iterable[int]) -> defaultdict[int, set[MessageStatus]]:
    present: defaultdict[int, set[MessageStatus]] = defaultdict(set)
    for count in tallies.counts(list(campaign_ids)):
        present[count.campaign_id].add(count.status)
    return present


def _finish(campaign_id: int) -> None:
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(no_key=True)
            .filter(pk=campaign_id, status__in=[Status.RUNNING, Status.CANCELLED], finished_at=None)
            .first()
        )
        if campaign is None:
            return
        campaign.finished_at = timezone.now()
        if campaign.status == Status.RUNNING:
            transitions.finish(campaign, Action.COMPLETE, actor=None)
        else:
            campaign.save()
        delivery_control.release(campaign_id)
