"""Campaigns by the routes, and campaigns that may cost so much and no more."""

import threading
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection, transaction

from campaigns import control, launch, lifecycle, materialise, readiness
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.progress import progress
from delivery import tallies
from delivery.control import is_spent
from delivery.models import Message, Provider, Sender
from delivery.states import Status
from delivery.tallies import NOT_HANDED_OVER
from tests.campaigns.scenes import assert_everyone_has_one_row, crowd, eventually, rows_by_status, tallies_by_status
from tests.campaigns.test_control import claim_at
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
committed = pytest.mark.django_db(transaction=True)

CENT = Decimal("0.01")


def made(campaign: Campaign) -> Campaign:
    """Launched, and everyone has a row."""
    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    assert not materialise.materialise(campaign.pk, seconds=60)
    campaign.refresh_from_db()
    return campaign


def spent(campaign: Campaign) -> Decimal:
    counts = tallies.counts([campaign.pk])
    return sum((count.cost for count in counts if count.status not in NOT_HANDED_OVER), Decimal(0))


# --- by the routes ----------------------------------------------------------------------------------------------


def test_a_campaign_without_a_sender_goes_by_the_routes() -> None:
    one, other = RouteFactory(weight=30), RouteFactory(weight=10)
    campaign = made(CampaignFactory(include=[crowd(400)]))

    assert campaign.sender is None
    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert set(rows.values_list("routed", flat=True)) == {True}
    shares = Counter(rows.values_list("sender_id", flat=True))
    assert shares[one.sender_id] == pytest.approx(300, abs=40)
    assert shares[one.sender_id] + shares[other.sender_id] == 400
    assert not rows.exclude(provider__in=Provider.objects.filter(senders=one.sender)).filter(sender=one.sender), (
        "the provider is the sender's"
    )


def test_a_named_sender_stays_named() -> None:
    RouteFactory()
    named = DefaultSenderFactory()
    campaign = made(CampaignFactory(include=[crowd(3)], sender=named))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert set(rows.values_list("sender_id", "routed")) == {(named.pk, False)}


def test_without_any_route_the_default_sender_is_frozen_as_ever() -> None:
    default = DefaultSenderFactory()
    assert made(CampaignFactory(include=[crowd(3)])).sender == default


def test_who_nothing_leads_to_is_told_before_and_has_a_row_after() -> None:
    RouteFactory(country="US")
    abroad = [ContactFactory(phone=f"+4477009001{n:02d}") for n in range(3)]
    SuppressionFactory(phone=abroad[0].phone)
    home = ContactFactory(phone="+14155550123")
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[*abroad, home])])

    found = readiness.preflight(campaign)
    assert found.problems == ()
    assert [(missing.country, missing.contacts) for missing in found.unroutable] == [("GB", 2)]
    assert found.estimated_segments == 1

    campaign = made(campaign)
    assert_everyone_has_one_row(campaign, [contact.pk for contact in (*abroad, home)])
    assert {key: number for key, (number, _) in rows_by_status(campaign).items()} == {
        ("queued", ""): 1,
        ("suppressed", "no_sender"): 2,
        ("suppressed", "opted_out"): 1,
    }


def test_a_campaign_that_leads_nowhere_at_all_is_not_launched() -> None:
    RouteFactory(country="GB")
    with pytest.raises(CampaignError, match="No route leads to anybody"):
        launch.launch(campaign=CampaignFactory(include=[crowd(3)]), actor=None)


def test_routes_that_lead_only_to_what_is_off_are_a_problem() -> None:
    RouteFactory(country="US", sender__enabled=False)
    RouteFactory()
    found = readiness.preflight(CampaignFactory(include=[crowd(3)]))
    assert found.problems == ("The routes for US lead only to senders that are switched off.",)


# --- money --------------------------------------------------------------------------------------------------------


@pytest.fixture
def sender() -> Sender:
    sender: Sender = DefaultSenderFactory(provider__rate=10_000)
    PriceFactory(provider=sender.provider, per_segment=CENT)
    return sender


def test_the_preflight_says_what_it_would_cost(sender: Sender) -> None:
    assert readiness.preflight(CampaignFactory(include=[crowd(200)])).estimated_cost == Decimal("2.00")


def test_a_campaign_that_would_cost_more_than_it_may_is_not_launched(sender: Sender) -> None:
    campaign = CampaignFactory(include=[crowd(200)], max_cost=Decimal("1.99"))
    with pytest.raises(CampaignError, match=r"about 2.00 USD, and it may cost 1.99 USD"):
        launch.launch(campaign=campaign, actor=None)


@committed
def test_a_budget_is_a_cap_whoever_claims(sender: Sender) -> None:
    """Several workers, two senders of two providers, messages of one to three segments: not a cent more."""
    RouteFactory(sender=sender)
    other = RouteFactory(sender__provider__rate=10_000)
    PriceFactory(provider=other.sender.provider, per_segment=Decimal("0.007"))
    body = "Hi{{ note | default: '' }}"
    campaign = made(CampaignFactory(include=[crowd(120)], body=body, max_cost=Decimal("5")))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    for row in rows:
        segments = 1 + row.contact_id % 3
        rows.filter(pk=row.pk).update(segments=segments, cost=segments * row.cost)
    control.limit(campaign=campaign, actor=None, max_cost=Decimal("0.5"))

    def work(provider_id: int) -> None:
        for _ in range(12):
            claim_at(provider_id, room=15)

    providers = [sender.provider_id, other.sender.provider_id] * 2
    threads = [threading.Thread(target=work, args=[provider_id]) for provider_id in providers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert Decimal("0.47") < spent(campaign) <= Decimal("0.5")
    assert is_spent(campaign.pk)
    lifecycle.look_after()
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.PAUSED
    assert "it may cost" in campaign.paused_reason
    assert campaign.paused_reason.startswith("Of the 0.50 USD")
    assert tallies_by_status(campaign) == rows_by_status(campaign)


@committed
def test_a_claim_waits_for_the_one_before_it_and_spends_only_what_that_left(sender: Sender) -> None:
    campaign = made(CampaignFactory(include=[crowd(20)], max_cost=Decimal(1)))
    control.limit(campaign=campaign, actor=None, max_cost=Decimal("0.05"))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    another = threading.Thread(target=claim_at, args=[sender.provider_id, 50])

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('smshub budget', %s))", [campaign.pk])
        rows.filter(pk__in=rows.order_by("pk").values("pk")[:4]).update(status=Status.SENDING)
        another.start()

        def waits() -> bool:
            cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return cursor.fetchone() is not None

        eventually(waits, within=10)
    another.join(30)

    assert spent(campaign) == Decimal("0.05")


@committed
def test_raising_the_budget_lets_it_go_on(sender: Sender) -> None:
    campaign = made(CampaignFactory(include=[crowd(20)], max_cost=Decimal(1)))
    control.limit(campaign=campaign, actor=None, max_cost=Decimal("0.05"))
    eventually(lambda: claim_at(sender.provider_id, room=50) or is_spent(campaign.pk))
    eventually(lambda: claim_at(sender.provider_id, room=50) or is_spent(campaign.pk))
    assert spent(campaign) == Decimal("0.05")
    lifecycle.look_after()
    campaign.refresh_from_db()
    with pytest.raises(CampaignError, match="Raise that limit"):
        control.resume(campaign=campaign, actor=None)

    control.limit(campaign=campaign, actor=None, max_cost=Decimal("0.2"))
    control.resume(campaign=campaign, actor=None)

    def all_left() -> bool:
        claim_at(sender.provider_id, room=50)
        return not Message.objects.filter(campaign_id=campaign.pk, status=Status.QUEUED).exists()

    eventually(all_left)
    assert spent(campaign) == Decimal("0.2")
    assert progress(campaign).cost == Decimal("0.2")


@committed
def test_a_budget_of_segments_holds_over_all_senders_of_a_campaign(sender: Sender) -> None:
    RouteFactory(sender=sender)
    for _ in range(4):
        RouteFactory(sender__provider=sender.provider)
    campaign = made(CampaignFactory(include=[crowd(100)], max_segments=200))
    control.limit(campaign=campaign, actor=None, max_segments=10)
    for _ in range(10):
        claim_at(sender.provider_id, room=50)
    assert Message.objects.filter(campaign_id=campaign.pk).exclude(status=Status.QUEUED).count() == 10
