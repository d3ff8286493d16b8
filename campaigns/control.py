"""What staff do to a campaign that is under way: pause, resume, cancel.

Pausing a million queued messages is one row: no claim passes a hold. What was claimed before goes out, nothing
is claimed after. Cancelling holds first and closes the rest at leisure.
"""

import time
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from campaigns import materialise, transitions, wake
from campaigns.models import Campaign
from campaigns.transitions import Action, Status
from delivery import control as delivery_control
from delivery import wake as delivery_wake


def pause(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """From now on nothing of the campaign is claimed. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.PAUSE)
        delivery_control.hold(locked.pk)
        transitions.finish(locked, Action.PAUSE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def resume(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """Go on where the pause stopped. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.RESUME)
        delivery_control.release(locked.pk)
        transitions.finish(locked, Action.RESUME, actor=actor, actor_label=actor_label, reason=reason)
        if locked.sender:
            transaction.on_commit(partial(delivery_wake.dispatch, locked.sender.provider_id))
        if not locked.materialised_at:
            transaction.on_commit(partial(wake.materialise, locked.pk))
    return locked


def cancel(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """Claim nothing more of the campaign: what is claimed already goes out, all the rest becomes `cancelled`.

    Raises CampaignError.
    """
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.CANCEL)
        if locked.launched_at:
            delivery_control.hold(locked.pk)
            transaction.on_commit(partial(wake.cancel_rest, locked.pk))
        else:
            locked.finished_at = timezone.now()
        transitions.finish(locked, Action.CANCEL, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def cancel_rest(campaign_id: int, *, seconds: float) -> bool:
    """Close what nobody has claimed of a cancelled campaign, and give the rest of its audience their rows.

    Stops after about so many seconds. True: it may have left something to do.
    """
    until = time.monotonic() + seconds
    if not Campaign.objects.filter(pk=campaign_id, status=Status.CANCELLED, finished_at=None).exists():
        return False
    materialise.freeze(campaign_id)
    # Cancelled rows last: a chunk that was on its way as the campaign was cancelled may have written queued ones.
    left = materialise.materialise(campaign_id, seconds=seconds)
    while delivery_control.cancel_queued(campaign_id):
        if time.monotonic() > until:
            return True
    return left
