"""How a campaign may move, as data: what can be done to it, from which status, and where that leads.

Every move takes the campaign's row lock first and writes one event, so that of two people who press two buttons
at once exactly one is told that it came too late.
"""

from enum import StrEnum
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.errors import CampaignError
from campaigns.models import Campaign, CampaignEvent
from campaigns.signals import campaign_changed

Status = Campaign.Status

#: How events name SMSHub itself.
ITSELF = "SMSHub"


class Action(StrEnum):
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    LIMIT = "limit"
    RETRY = "retry"
    COMPLETE = "complete"
    ASK = "ask"
    APPROVE = "approve"
    DECLINE = "decline"


class Move(NamedTuple):
    sources: frozenset[Status]
    target: Status | None
    """None: the campaign stays where it is."""
    done: Promise


MOVES: dict[Action, Move] = {
    Action.SCHEDULE: Move(frozenset({Status.DRAFT, Status.SCHEDULED}), Status.SCHEDULED, _("scheduled")),
    Action.UNSCHEDULE: Move(frozenset({Status.SCHEDULED}), Status.DRAFT, _("set back to a draft")),
    Action.LAUNCH: Move(frozenset({Status.DRAFT, Status.SCHEDULED}), Status.RUNNING, _("launched")),
    Action.PAUSE: Move(frozenset({Status.RUNNING}), Status.PAUSED, _("paused")),
    Action.RESUME: Move(frozenset({Status.PAUSED}), Status.RUNNING, _("resumed")),
    Action.CANCEL: Move(frozenset({Status.SCHEDULED, Status.RUNNING, Status.PAUSED}), Status.CANCELLED, _("cancelled")),
    Action.LIMIT: Move(frozenset({Status.RUNNING, Status.PAUSED}), None, _("given other limits")),
    Action.RETRY: Move(frozenset({Status.RUNNING, Status.COMPLETED}), Status.RUNNING, _("tried again")),
    Action.COMPLETE: Move(frozenset({Status.RUNNING}), Status.COMPLETED, _("completed")),
    Action.ASK: Move(frozenset({Status.DRAFT}), None, _("put up for approval")),
    Action.APPROVE: Move(frozenset({Status.DRAFT}), None, _("approved")),
    Action.DECLINE: Move(frozenset({Status.DRAFT}), None, _("sent back")),
}


def allowed(status: str) -> list[Action]:
    """What can be done to a campaign in this status, in the table's order."""
    return [action for action, move in MOVES.items() if status in move.sources]


def begin(campaign_id: int, action: Action) -> Campaign:
    """Lock the campaign for one action, inside the caller's transaction. Raises CampaignError."""
    # NO KEY: rows that refer to the campaign (its chunks) are written while somebody presses a button.
    campaign = Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignError(gettext("The campaign no longer exists."))
    if campaign.status not in MOVES[action].sources:
        label = Status(campaign.status).label.lower()
        raise CampaignError(
            gettext("This campaign is %(label)s; it cannot be %(done)s.") % {"label": label, "done": MOVES[action].done}
        )
    return campaign


def finish(
    campaign: Campaign, action: Action, *, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = ""
) -> None:
    """Write the new status, whatever else the caller changed on the campaign, and the event."""
    source, campaign.status = campaign.status, MOVES[action].target or Status(campaign.status)
    campaign.save()
    CampaignEvent.objects.create(
        campaign=campaign,
        from_status=source,
        to_status=campaign.status,
        actor_id=actor.pk if actor else None,
        actor_label=(actor_label or (actor.get_username() if actor else ITSELF))[:150],
        reason=reason[:200],
    )
    if campaign.status != source:
        campaign_changed.send(sender=Campaign, campaign=campaign)
