"""Routes and providers over HTTP: which way, how they do, and nothing of their secrets."""

from decimal import Decimal

import pytest

from delivery.models import Message
from delivery.routing.rules import State
from tests.api.conftest import Caller, System, is_problem
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    HealthChangeFactory,
    PriceFactory,
    ProviderHealthFactory,
    RouteFactory,
)

pytestmark = pytest.mark.django_db


def test_the_table_is_shown(shop: System) -> None:
    route = RouteFactory(country="GB", order=2, weight=30)
    (shown,) = shop.get("routes").body["results"]
    assert shown == {
        "id": route.pk,
        "channel": "sms",
        "country": "GB",
        "lane": None,
        "tier": 2,
        "sender": {"id": route.sender_id, "address": route.sender.address},
        "provider": route.sender.provider.name,
        "weight": 30,
        "enabled": True,
    }


def test_where_would_this_go(shop: System) -> None:
    route = RouteFactory(country="GB")
    answer = shop.post("routes/check", {"to": "+447400123456"}).body
    assert (answer["country"], answer["sender"]["id"]) == ("GB", route.sender_id)
    assert answer["provider"] == route.sender.provider.name
    assert "GB" in answer["why"]

    nowhere = shop.post("routes/check", {"to": "+14155550123", "lane": "bulk"}).body
    assert (nowhere["country"], nowhere["sender"], nowhere["provider"]) == ("US", None, None)
    assert not Message.objects.exists()
    assert is_problem(shop.post("routes/check", {"to": "12"}), 400, "validation-error")


def test_a_provider_says_how_it_does_and_keeps_its_secrets(system: Caller) -> None:
    shop = system("providers:read")
    health = ProviderHealthFactory(state=State.DEGRADED, factor=75, reason="Slow.")
    health.provider.credentials = {"auth_token": "not-to-be-seen"}
    health.provider.settings = {"account_sid": "not-to-be-seen"}
    health.provider.save()
    change = HealthChangeFactory(provider=health.provider)

    (listed,) = shop.get("providers").body["results"]
    assert listed["health"] == {
        "state": "degraded",
        "factor": 75,
        "since": None,
        "reason": "Slow.",
        "pinned": False,
    }
    one = shop.get(f"providers/{health.provider_id}")
    assert one.body["changes"][0]["reason"] == change.reason
    assert "not-to-be-seen" not in one.content.decode()


def test_money_of_a_campaign(shop: System) -> None:
    route = RouteFactory()
    PriceFactory(provider=route.sender.provider, per_segment=Decimal("0.04"))
    abroad = RouteFactory(country="GB").sender.provider
    assert abroad != route.sender.provider
    friends = ContactListFactory(contacts=ContactFactory.create_batch(5))
    campaign = CampaignFactory(include=[friends])

    assert shop.patch(f"campaigns/{campaign.pk}", {"max_cost": "0.10"}).body["max_cost"] == "0.10000"
    found = shop.post(f"campaigns/{campaign.pk}/preflight").body
    assert (found["estimated_cost"], found["currency"], found["unroutable"]) == ("0.20", "USD", [])
    assert "0.20 USD" in found["problems"][0]
    assert is_problem(shop.post(f"campaigns/{campaign.pk}/launch"), 409, "campaign-refused")

    shop.patch(f"campaigns/{campaign.pk}", {"max_cost": None})
    assert shop.post(f"campaigns/{campaign.pk}/launch").status_code == 200
    shop.post(f"campaigns/{campaign.pk}/limit", {"max_cost": "0.16"})
    campaign.refresh_from_db()
    assert campaign.max_cost == Decimal("0.16")
    assert shop.get(f"campaigns/{campaign.pk}/progress").body["cost"] == "0.00000"
