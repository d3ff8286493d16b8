"""A campaign written step by step: nothing that was right is lost, whatever else is missing."""

import pytest
from django.test import Client

from campaigns.models import Campaign
from tests import factories


def url(campaign: Campaign, step: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/wizard/{step}/"


def begun() -> Campaign:
    campaign: Campaign = factories.CampaignFactory(template=None)
    return campaign


def test_adding_a_campaign_begins_the_wizard_and_its_first_step_makes_the_draft(staff: Client) -> None:
    opened = staff.get("/admin/campaigns/campaign/add/", follow=True)
    assert "Campaign of" in opened.content.decode()
    assert not Campaign.objects.exists()

    answer = staff.post("/admin/campaigns/campaign/wizard/", {"name": "Flu shots", "purpose": "marketing"})

    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.status, campaign.template) == ("Flu shots", Campaign.Status.DRAFT, None)
    assert campaign.created_by is not None
    assert answer["Location"] == url(campaign, "audience")


@pytest.mark.parametrize("step", ["name", "audience", "message", "time", "review"])
def test_each_step_opens_on_a_draft_with_nothing_in_it(staff: Client, step: str) -> None:
    page = staff.get(url(begun(), step))
    assert page.status_code == 200
    assert f'data-testid="wizard-{step}"' in page.content.decode()


def test_what_is_filled_in_saves_itself_field_by_field(staff: Client) -> None:
    campaign, people = begun(), factories.ContactListFactory()

    answer = staff.post(
        url(campaign, "audience"), {"include": [people.pk], "exclude": [404]}, headers={"HX-Request": "true"}
    )

    assert "Not saved yet" in answer.content.decode()
    assert list(campaign.include.all()) == [people]


def test_the_next_step_comes_when_this_one_is_right(staff: Client) -> None:
    campaign, people = begun(), factories.ContactListFactory()

    stays = staff.post(url(campaign, "audience"), {})
    assert "Choose a list to send to." in stays.content.decode()

    goes = staff.post(url(campaign, "audience"), {"include": [people.pk]})
    assert goes["Location"] == url(campaign, "message")


def test_the_way_back_is_always_open(staff: Client) -> None:
    campaign = begun()
    answer = staff.post(url(campaign, "audience"), {"go": "name"})
    assert answer["Location"] == url(campaign, "name")
