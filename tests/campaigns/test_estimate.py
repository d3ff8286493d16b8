"""What it would cost where, and how long it would take: by routes, prices and rates."""

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns import readiness
from campaigns.estimate import Estimate
from campaigns.models import Campaign
from delivery.models import CountryLimit
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    PriceFactory,
    RouteFactory,
    SuppressionFactory,
)

pytestmark = pytest.mark.django_db


def people(**fields: object) -> Campaign:
    """To six people in the United States and four in Germany."""
    everyone = [ContactFactory() for _ in range(6)]
    everyone += [ContactFactory(phone=f"+4915112345{n:03d}") for n in range(4)]
    campaign: Campaign = CampaignFactory(include=[ContactListFactory(contacts=everyone)], **fields)
    return campaign


def estimated(campaign: Campaign) -> Estimate:
    found = readiness.preflight(campaign).estimate
    assert found is not None
    return found


def test_each_country_has_its_price_and_the_total_is_their_sum() -> None:
    sender = DefaultSenderFactory(provider__rate=100)
    PriceFactory(provider=sender.provider, country="DE", per_segment=Decimal("0.10"))
    PriceFactory(provider=sender.provider, country="", per_segment=Decimal("0.01"))
    found = estimated(campaign := people())
    assert [(one.country, one.contacts, one.segments, one.cost) for one in found.countries] == [
        ("US", 6, 6, Decimal("0.06")),
        ("DE", 4, 4, Decimal("0.40")),
    ]
    assert found.cost == readiness.preflight(campaign).estimated_cost == Decimal("0.46")


def test_it_takes_as_long_as_the_slowest_limit() -> None:
    sender = DefaultSenderFactory(provider__rate=5, rate=2, address="+16505550000")
    campaign = people()
    found = estimated(campaign)
    assert (found.takes, found.by) == (timedelta(seconds=5), "+16505550000")
    CountryLimit.objects.create(provider=sender.provider, country="DE", rate=1)
    sender.rate = None
    sender.save()
    found = estimated(campaign)
    assert (found.takes, found.by) == (timedelta(seconds=4), f"{sender.provider.name}, DE")


def test_spread_over_a_time_it_takes_that_time_unless_the_limits_are_slower() -> None:
    DefaultSenderFactory(provider__rate=1)
    campaign = people(spread_minutes=1)
    assert estimated(campaign).takes == timedelta(minutes=1)
    campaign.spread_minutes = None
    assert estimated(campaign).takes == timedelta(seconds=10)


def test_routes_that_share_a_country_share_its_load() -> None:
    RouteFactory(country="US", weight=2, sender__provider__rate=1)
    RouteFactory(country="US", weight=1, sender__provider__rate=1)
    RouteFactory(country="DE", sender__provider__rate=100)
    assert estimated(people()).takes == timedelta(seconds=4)


def test_who_may_not_be_texted_costs_nothing() -> None:
    sender = DefaultSenderFactory()
    PriceFactory(provider=sender.provider, per_segment=Decimal("0.01"))
    campaign = people()
    for contact in campaign.include.get().contacts.order_by("pk")[:5]:
        SuppressionFactory(phone=contact.phone)
    assert estimated(campaign).cost == Decimal("0.05")
