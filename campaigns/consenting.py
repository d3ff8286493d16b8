"""Consent as a campaign needs it: for which purpose it writes, and whether that must have been recorded.

A campaign for which a consent was withdrawn is not sent to that person, whatever its lane. Whether somebody of whom
nothing is recorded gets marketing is the hub's rule (MARKETING_NEEDS_CONSENT), or that of a list that says so.
"""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from campaigns.models import Campaign, Reminder
from contacts.consents.standing import Said, allows, decide
from contacts.models import ConsentEvent
from delivery import stopping
from delivery.ids import reminder_of
from delivery.models import Message
from delivery.states import CONCLUSIVE

Purpose = ConsentEvent.Purpose


def must_be_recorded(campaign: Campaign) -> bool:
    """Whether those of whom nothing is recorded are left out, by the rules of this moment."""
    if campaign.purpose != Purpose.MARKETING:
        return False
    return settings.MARKETING_NEEDS_CONSENT or campaign.include.filter(is_marketing=True).exists()


def lets_through(campaign: Campaign, said: Said, sender: str) -> bool:
    """Whether what a person said allows them this campaign's text, by this sender."""
    return allows(decide(said, sender), recorded=campaign.needs_consent)


def withdrawn(*, phones: Sequence[str], purpose: str, scope: str) -> int:
    """Somebody took a consent back: what waits for them of that purpose is not sent, and what has failed is not tried
    again. In the transaction that says so in the ledger. Returns how many messages were waiting."""
    campaigns = Campaign.objects.filter(purpose=purpose, launched_at__isnull=False).values_list("pk", flat=True)
    reminders = _reminders_to(phones) if purpose == Purpose.REMINDERS else []
    return stopping.withdraw(phones=phones, campaign_ids=list(campaigns), message_ids=reminders, scope=scope)


def _reminders_to(phones: Sequence[str]) -> list[UUID]:
    """Messages of reminders to these numbers that may still be sent, or sent once more."""
    open_to_them = Message.objects.filter(recipient__in=phones, campaign_id=0).exclude(status__in=CONCLUSIVE)
    made_of = {pk: reminder for pk in open_to_them.values_list("pk", flat=True) if (reminder := reminder_of(pk))}
    sent_as = Reminder.objects.filter(pk__in=made_of.values()).values_list("pk", "message_id")
    return [message for reminder, message in sent_as if message in made_of and made_of[message] == reminder]
