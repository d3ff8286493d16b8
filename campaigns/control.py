"""What is done to a campaign that is under way: pause, resume, other limits, cancel; and the pause by SMSHub itself.

Pausing a million queued messages is one row: no claim passes a hold. What was claimed before goes out, nothing
is claimed after. Cancelling holds first and closes the rest at leisure.
"""

import time
from decimal import Decimal
from functools import partial
from types import EllipsisType

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import materialise, pace, safety, transitions, wake
from campaigns.errors import CampaignError
from campaigns.models import MAX_SPREAD_MINUTES, Campaign
from campaigns.transitions import Action, Status
from contacts.retelling import english
from contacts.wording import figure
from delivery import control as delivery_control
from delivery import tallies
from delivery import wake as delivery_wake


def pause(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """From now on nothing of the campaign is claimed. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.PAUSE)
        delivery_control.hold(locked.pk)
        locked.paused_reason = reason[:200]
        transitions.finish(locked, Action.PAUSE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def pause_if_unsafe(campaign_id: int) -> bool:
    """Pause a running campaign that goes wrong, with the reason in words. Says whether it did.

    Judged again under the campaign's lock: somebody may have let it go on since it looked wrong from outside.
    """
    with transaction.atomic():
        locked = Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id, status=Status.RUNNING).first()
        reason = safety.verdict(locked, tallies.counts([campaign_id])) if locked else ""
        if locked and reason:
            pause(campaign=locked, actor=None, reason=reason)
    return bool(reason)


def resume(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """Go on where the pause stopped. What was seen so far does not stop it again. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.RESUME)
        counts = tallies.counts([locked.pk])
        if safety.something_left(locked, counts) and (problem := safety.used_up(locked, safety.sums(counts))):
            raise CampaignError(problem)
        delivery_control.release(locked.pk)
        locked.paused_reason, locked.judged_from = "", safety.seen(counts)
        transitions.finish(locked, Action.RESUME, actor=actor, actor_label=actor_label, reason=reason)
        if locked.sender:
            transaction.on_commit(partial(delivery_wake.dispatch, locked.sender.provider_id))
        if not locked.materialised_at:
            transaction.on_commit(partial(wake.materialise, locked.pk))
    return locked


def limit(
    *,
    campaign: Campaign,
    actor: AbstractBaseUser | None,
    actor_label: str = "",
    reason: str = "",
    spread_minutes: int | EllipsisType | None = ...,
    max_segments: int | EllipsisType | None = ...,
    max_cost: Decimal | EllipsisType | None = ...,
) -> Campaign:
    """Another pace for what is left of it (`spread_minutes` from now on), another budget; None: none, ...: as it was.

    Raises CampaignError.
    """
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.LIMIT)
        rate = delivery_control.pace(locked.pk)
        if not isinstance(spread_minutes, EllipsisType):
            if spread_minutes is not None and not 1 <= spread_minutes <= MAX_SPREAD_MINUTES:
                raise CampaignError(
                    _("It may be spread over 1 to %(most)s minutes.") % {"most": figure(MAX_SPREAD_MINUTES)}
                )
            locked.spread_minutes = spread_minutes
            rate = pace.of_the_rest(locked)
        if not isinstance(max_segments, EllipsisType):
            if max_segments is not None and max_segments < 1:
                raise CampaignError(_("It must be allowed at least one segment; pause it to send nothing."))
            locked.max_segments = max_segments
        if not isinstance(max_cost, EllipsisType):
            if max_cost is not None and max_cost <= 0:
                raise CampaignError(_("It must be allowed to cost something; pause it to send nothing."))
            locked.max_cost = max_cost
        delivery_control.limit(locked.pk, rate=rate, max_segments=locked.max_segments, max_cost=locked.max_cost)
        with english():
            said = " ".join(part for part in (reason, pace.in_words(locked)) if part)
        transitions.finish(locked, Action.LIMIT, actor=actor, actor_label=actor_label, reason=said)
        if locked.sender:
            transaction.on_commit(partial(delivery_wake.dispatch, locked.sender.provider_id))
    return locked


def cancel(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = "") -> Campaign:
    """Claim nothing more of the campaign: what is claimed already goes out, all the rest becomes `cancelled`.

    Raises CampaignError.
    """
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.CANCEL)
        locked.retrying_after, locked.paused_reason = None, ""
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
    open_still = Campaign.objects.filter(pk=campaign_id, status=Status.CANCELLED, finished_at=None)
    launched_at = open_still.values_list("launched_at", flat=True).first()
    if launched_at is None:
        return False
    materialise.freeze(campaign_id)
    # Cancelled rows last: a chunk that was on its way as the campaign was cancelled may have written queued ones.
    left = materialise.materialise(campaign_id, seconds=seconds)
    while delivery_control.cancel_queued(campaign_id, launched_at):
        if time.monotonic() > until:
            return True
    return left
