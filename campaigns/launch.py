"""Launching: the moment a campaign leaves, once nothing stands in its way (see `campaigns.readiness`).

A launch freezes the versions of its templates and the sender (none where the routes decide for each message), and
says so in one event; the audience is frozen right after, by a task (see `campaigns.materialise`). A scheduled campaign
is launched by the tick, by the same path.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import (
    pace,
    readiness,
    split,
    transitions,
    wake,
)
from campaigns.errors import CampaignError
from campaigns.links import texts as links
from campaigns.models import Campaign
from campaigns.report import counting
from campaigns.transitions import Action
from contacts.retelling import english
from delivery import clock
from delivery import control as delivery_control


def launch(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Start sending, now. Raises CampaignError; of two launches at once, one does."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.LAUNCH)
        parts = readiness.parts_of(locked, timezone.now())
        found = readiness.examine(locked, parts, _planned(locked))
        if found.problems:
            raise CampaignError(*found.problems)
        if locked.spread_minutes or locked.max_segments or locked.max_cost is not None:
            segments = found.estimated_segments or found.audience
            rate = pace.rate(segments, locked.spread_minutes)
            delivery_control.limit(locked.pk, rate=rate, max_segments=locked.max_segments, max_cost=locked.max_cost)
        split.freeze(locked, parts.arms)
        locked.sender = parts.sender
        locked.needs_consent = found.needs_consent
        locked.launched_at = timezone.now()
        links.freeze(locked, parts.arms.texts)
        counting.begin(locked)
        transitions.finish(locked, Action.LAUNCH, actor=actor, actor_label=actor_label)
        transaction.on_commit(partial(wake.freeze, locked.pk))
    return locked


def _planned(campaign: Campaign) -> datetime | None:
    """The time a launch at this moment is meant for; None: it is at once, by hand."""
    at = campaign.scheduled_at if campaign.status == Campaign.Status.SCHEDULED else None
    return at if at and at <= clock.now() else None


def launch_soon(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """As `launch`, with LAUNCH_UNDO_SECONDS in which `unschedule` takes it back and nothing has left.

    It is scheduled for then, having passed all checks of a launch, and passes them again when the tick launches it: a
    second late, or when there is a clock and a worker again, and until then it may still be taken back.
    """
    if not settings.LAUNCH_UNDO_SECONDS:
        return launch(campaign=campaign, actor=actor, actor_label=actor_label)
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.SCHEDULE)
        found = readiness.examine(locked, readiness.parts_of(locked, timezone.now()), None)
        if found.problems:
            raise CampaignError(*found.problems)
        locked.scheduled_at = clock.now() + timedelta(seconds=settings.LAUNCH_UNDO_SECONDS)
        with english():
            reason = _("To be launched in %(seconds)s seconds, unless that is undone.") % {
                "seconds": settings.LAUNCH_UNDO_SECONDS
            }
        transitions.finish(locked, Action.SCHEDULE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def schedule(*, campaign: Campaign, at: datetime, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Launch at a later time, or at another one than said before. Raises CampaignError.

    The audience may still be filled until then; what is checked now is that there is something to send it with.
    """
    if at <= timezone.now():
        raise CampaignError(_("The time to launch at has passed; choose a later one, or launch now."))
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.SCHEDULE)
        parts = readiness.parts_of(locked, at)
        if settings.APPROVAL_ABOVE and not parts.problems:
            parts.problems.extend(
                filter(None, [readiness.examine(locked, parts._replace(problems=[]), at).approval.problem])
            )
        if parts.problems:
            raise CampaignError(*parts.problems)
        locked.scheduled_at = at
        with english():
            reason = _("Planned for %(at)s.") % {"at": f"{at.astimezone(UTC):%Y-%m-%d %H:%M %Z}"}
        transitions.finish(locked, Action.SCHEDULE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def unschedule(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Back to a draft. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.UNSCHEDULE)
        locked.scheduled_at = None
        transitions.finish(locked, Action.UNSCHEDULE, actor=actor, actor_label=actor_label)
    return locked


def launch_due() -> int:
    """Launch scheduled campaigns whose time has come; how many were dealt with.

    One that fails its checks becomes a draft again, with what is wrong in its event. Several ticks at once share
    the work.
    """
    dealt_with = 0
    while _launch_next_due():
        dealt_with += 1
    return dealt_with


def _launch_next_due() -> bool:
    with transaction.atomic():
        due = (
            Campaign.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(status=Campaign.Status.SCHEDULED, scheduled_at__lte=clock.now())
            .order_by("scheduled_at")
            .first()
        )
        if due is None:
            return False
        try:
            launch(campaign=due, actor=None)
        except CampaignError as error:
            reason = _("Not launched. %(why)s") % {"why": error}
            transitions.finish(due, Action.UNSCHEDULE, actor=None, reason=reason)
    return True
