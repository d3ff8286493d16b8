"""Drafts as the wizard's steps leave them, and what its pages are asked for."""

from django.test import Client

from campaigns.models import Campaign
from tests import factories

HTMX = {"HX-Request": "true"}


def url(campaign: Campaign, step: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/wizard/{step}/"


def page(campaign: Campaign, name: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/{name}/"


def begun() -> Campaign:
    """As its first step leaves it."""
    campaign: Campaign = factories.CampaignFactory(template=None, name="Flu shots")
    return campaign


def ready(**fields: object) -> Campaign:
    """A draft that can be launched to three people, one of whom said stop."""
    factories.DefaultSenderFactory()
    people = factories.ContactFactory.create_batch(3)
    factories.SuppressionFactory(phone=people[0].phone)
    campaign: Campaign = factories.CampaignFactory(include=[factories.ContactListFactory(contacts=people)], **fields)
    return campaign


def written(text: str, **more: object) -> dict[str, object]:
    """The message step, posted."""
    return {"use": "", "text": text, "link": "", "sender": "", "on_missing": "block"} | more


def preview(client: Client, campaign: Campaign, text: str, **more: object) -> str:
    return client.post(page(campaign, "preview"), written(text, **more)).content.decode()
