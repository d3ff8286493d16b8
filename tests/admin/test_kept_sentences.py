"""What was kept in English is read in German on every page that shows it."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from campaigns import approval, control
from campaigns.models import Campaign
from tests.factories import AdministratorFactory, CampaignFactory, MessageFactory, UserFactory

pytestmark = pytest.mark.usefixtures("english_again")


def read(client: Client, name: str, *args: object) -> str:
    """The page, as somebody has it who chose German."""
    answer = client.get(reverse(f"admin:{name}", args=args), HTTP_ACCEPT_LANGUAGE="de")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_why_a_campaign_was_paused(operator: Client, settings: Settings) -> None:
    settings.AUTO_PAUSE_AFTER_MESSAGES = 20
    campaign = CampaignFactory(status="running")
    for status, reason in [("delivered", "")] * 14 + [("undelivered", "unreachable")] * 6:
        MessageFactory(campaign_id=campaign.pk, status=status, reason=reason)
    assert control.pause_if_unsafe(campaign.pk)

    live, home = read(operator, "campaigns_campaign_live", campaign.pk), read(operator, "index")

    said = "6 von 20 (30,0 %) kamen nicht an, mehr als 25 %. Am häufigsten: Gerät aus"
    assert f"Sie ist angehalten. {said}" in live
    assert said in home
    assert "did not arrive" not in live + home


def test_the_history_of_a_campaign(operator: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = CampaignFactory(status="draft")
    approval.ask(campaign=campaign, actor=UserFactory(), people=12_345)
    seen = approval.fingerprint(campaign)
    approval.decide(campaign=campaign, actor=AdministratorFactory(), seen=seen, granted=False, reason="Too early.")
    Campaign.objects.filter(pk=campaign.pk).update(status="running")
    control.limit(campaign=campaign, actor=None, max_segments=12_000, max_cost=Decimal("1250.5"))

    page = read(operator, "campaigns_campaign_live", campaign.pk)

    assert "Freigabe erbeten: 12.345 Personen." in page
    assert "Nicht freigegeben. Too early." in page
    assert "Ab jetzt: so schnell, wie sie darf, höchstens 12.000 SMS-Teile, höchstens 1.250,50 USD." in page
    assert not any(said in page for said in ("Asked for", "Not approved", "From now on"))
