"""Consent as a campaign needs it: for which purpose it writes, and whether that must have been recorded.

A campaign for which a consent was withdrawn is not sent to that person, whatever its lane. Whether somebody of whom
nothing is recorded gets marketing is the hub's rule (MARKETING_NEEDS_CONSENT), or that of a list that says so.
"""

from collections.abc import Sequence

from django.conf import settings

from campaigns.models import Campaign
from contacts.consents.standing import Said, allows, decide
from contacts.models import ConsentEvent
from delivery import stopping

Purpose = ConsentEvent.Purpose

#: Campaigns that have messages nobody has claimed yet; there are never many at a time.
_UNDER_WAY = (Campaign.Status.RUNNING, Campaign.Status.PAUSED)


def must_be_recorded(campaign: Campaign) -> bool:
    """Whether those of whom nothing is recorded are left out, by the rules of this moment."""
    if campaign.purpose != Purpose.MARKETING:
        return False
    return settings.MARKETING_NEEDS_CONSENT or campaign.include.filter(is_marketing=True).exists()


def lets_through(campaign: Campaign, said: Said, sender: str) -> bool:
    """Whether what a person said allows them this campaign's text, by this sender."""
    return allows(decide(said, sender), recorded=campaign.needs_consent)


def withdrawn(*, phones: Sequence[str], purpose: str, scope: str) -> int:
    """Somebody took a consent back: what waits for them of campaigns of that purpose is not sent. Returns how many."""
    campaigns = Campaign.objects.filter(purpose=purpose, status__in=_UNDER_WAY).values_list("pk", flat=True)
    return stopping.suppress_queued(phones=phones, campaign_ids=list(campaigns), scope=scope)
