"""What becomes of launched campaigns by themselves: looked after every second, closed when nothing is open."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from campaigns import control, safety, transitions, wake
from campaigns.models import Campaign
from campaigns.transitions import Action, Status
from delivery import control as delivery_control
from delivery import tallies
from delivery.states import OPEN, UNCLAIMED
from delivery.tallies import Count


def look_after() -> None:
    """Say again what is still to be done for every campaign under way, and close those that are done.

    So a worker that was killed and a broker that forgot cost a second and lose nothing.
    """
    under_way = list(Campaign.objects.filter(launched_at__isnull=False, finished_at=None).order_by("pk"))
    # Counted after reading that everyone has a row: with that said, there is no row that is not counted.
    counted = _counted(campaign.pk for campaign in under_way if campaign.audience_size is not None)
    for campaign in under_way:
        cancelled = campaign.status == Status.CANCELLED
        counts = counted[campaign.pk]
        present = {count.status for count in counts}
        if campaign.status == Status.RUNNING and safety.verdict(campaign, counts):
            control.pause_if_unsafe(campaign.pk)
        if campaign.retrying_after is not None:
            wake.retry_failed(campaign.pk)
        elif campaign.materialised_at:
            if not present & OPEN:
                _finish(campaign.pk)
            elif cancelled and present & UNCLAIMED:
                wake.cancel_rest(campaign.pk)
        elif cancelled:
            wake.cancel_rest(campaign.pk)
        elif campaign.audience_size is None:
            wake.freeze(campaign.pk)
        else:
            wake.materialise(campaign.pk)


def _counted(campaign_ids: Iterable[int]) -> defaultdict[int, list[Count]]:
    counted: defaultdict[int, list[Count]] = defaultdict(list)
    for count in tallies.counts(list(campaign_ids)):
        counted[count.campaign_id].append(count)
    return counted


def _finish(campaign_id: int) -> None:
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(no_key=True)
            .filter(
                pk=campaign_id,
                status__in=[Status.RUNNING, Status.CANCELLED],
                finished_at=None,
                retrying_after=None,
            )
            .first()
        )
        # Somebody may have had its failures tried again since it looked finished.
        if campaign is None or any(count.status in OPEN for count in tallies.counts([campaign_id])):
            return
        campaign.finished_at = timezone.now()
        if campaign.status == Status.RUNNING:
            transitions.finish(campaign, Action.COMPLETE, actor=None)
        else:
            campaign.save()
        delivery_control.release(campaign_id)
