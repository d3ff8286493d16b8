"""The home page: what it says, from what, and to whom."""

from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from delivery import testcarrier, vitals
from delivery.models import HealthCount, ProviderHealth
from delivery.routing.rules import State
from delivery.states import Status
from smshub.dashboard import chart, today
from tests import factories, reminder_factories
from tests.admin.conftest import one_of
from tests.admin.home_scenes import NOW, THERE_IS, TODAY, Statuses, kinds, part, under_way
from tests.admin.reading import read
from tests.conversation_factories import ConversationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everybody_at_work")]


# --- under way, budgets, next -----------------------------------------------------------------------------------


def test_an_empty_hub_says_that_there_is_nothing(staff: Client) -> None:
    assert "No campaign is running." in part(staff, NOW, "running")
    assert "Nothing is scheduled." in part(staff, NOW, "scheduled")
    assert part(staff, NOW, "needs") == "Needs a person Nothing, at the moment."
    assert part(staff, NOW, "approvals") == "Waits for a yes Nothing waits for approval."
    assert "None has failed." in part(staff, TODAY, "reasons")
    assert "None yet." in part(staff, TODAY, "providers")


def test_what_an_empty_hub_needs_stands_first_and_leads_on(operator: Client) -> None:
    """Each step by its own words and its own link, and none to whoever may not take it."""

    def said() -> str:
        home = operator.get("/admin/").content.decode()
        assert home.index("home-first") < home.index("flow-chart")
        return home[home.index("home-first") : home.index("flow-chart")]

    assert "needs an account with a provider" in said()
    assert 'href="/admin/delivery/provider/add/"' in said()
    provider = factories.ProviderFactory()
    assert "the provider needs a sender" in said()
    assert 'href="/admin/delivery/sender/add/"' in said()
    sender = factories.SenderFactory(provider=provider, enabled=False)
    assert "every sender is switched off" in said()
    type(sender).objects.update(enabled=True)
    assert "Nothing can be sent" not in said()


def test_what_is_lacking_is_told_again_while_the_page_is_open(staff: Client) -> None:
    said = part(staff, NOW, "no-sender")

    assert said == "Nothing can be sent yet: SMSHub needs an account with a provider, and a sender."
    factories.SenderFactory()
    assert "Nothing can be sent" not in staff.get(NOW).content.decode()


def test_what_a_campaign_has_spent_stands_beside_its_budget(staff: Client) -> None:
    campaign = under_way(max_cost=Decimal(2), max_segments=10)
    for contact_id, status in enumerate([Status.SENT, Status.DELIVERED, Status.QUEUED]):
        factories.MessageFactory(
            campaign_id=campaign.pk, contact_id=contact_id, status=status, segments=2, cost=Decimal("0.25")
        )

    said = part(staff, NOW, "running")

    assert "0.50 USD of 2.00 USD, 25 %" in said
    assert "4 of 10 segments, 40 %" in said


def test_what_is_next(staff: Client) -> None:
    tomorrow = timezone.now() + timedelta(hours=5)
    soon = factories.CampaignFactory(status=Statuses.SCHEDULED, scheduled_at=tomorrow)
    reminder_factories.ReminderFactory(due_at=tomorrow, valid_until=tomorrow + timedelta(hours=1))
    reminder_factories.ReminderFactory()  # in six days

    said = part(staff, NOW, "scheduled")

    assert soon.name in said
    assert f"1 reminder in the next 24 hours from {tomorrow:%a}" in said


# --- the chart --------------------------------------------------------------------------------------------------


def test_the_chart_has_a_point_for_each_minute_of_the_last_hour(staff: Client) -> None:
    provider = factories.ProviderFactory()
    minute = timezone.now().replace(second=0, microsecond=0)
    HealthCount.objects.create(provider_id=provider.pk, at=minute - timedelta(minutes=3), attempts=10, taken=8)
    HealthCount.objects.create(provider_id=testcarrier.sender().provider_id, at=minute, attempts=99, taken=99)

    points = chart.points([provider.pk])

    assert len(points) == 60
    assert [(point.accepted, point.other) for point in points if point.accepted] == [(8, 2)]
    assert points[-1].at == timezone.now().replace(second=0, microsecond=0)
    # The same as a table, for who cannot see it, and without those of the test carrier
    table = part(staff, NOW, "flow-table")
    assert f"{minute - timedelta(minutes=3):%H:%M} 8 2" in table
    assert "99" not in table


# --- today ------------------------------------------------------------------------------------------------------


def stages(client: Client) -> dict[str, int]:
    rows = (part.attributes for part in read(client.get(TODAY).content).named("stage-"))
    return {row["data-testid"].removeprefix("stage-"): int(row["data-count"]) for row in rows}


def test_the_funnel_is_of_todays_campaigns_and_single_messages(staff: Client) -> None:
    sender = factories.SenderFactory()
    running = under_way(launched_at=timezone.now() - timedelta(days=3))
    over = under_way(status=Statuses.COMPLETED, launched_at=timezone.now() - timedelta(days=3))
    fates = [
        (Status.QUEUED, ""),
        (Status.ACCEPTED, ""),
        (Status.DELIVERED, ""),
        (Status.UNDELIVERED, "unreachable"),
        (Status.FAILED, "landline"),
        (Status.EXPIRED, "no_receipt"),
        (Status.SUPPRESSED, "opted_out"),
    ]
    for contact_id, (status, reason) in enumerate(fates):
        for campaign in (running, over):
            factories.MessageFactory(
                campaign_id=campaign.pk, contact_id=contact_id, sender=sender, status=status, reason=reason
            )
    factories.MessageFactory(sender=sender, status=Status.READ, cost=Decimal("0.05"))
    factories.MessageFactory(sender=testcarrier.sender(), status=Status.DELIVERED)

    assert stages(staff) == {"queued": 7, "accepted": 5, "delivered": 2, "replied": 0, "opted_out": 0}
    assert part(staff, TODAY, "spent") == "0.05 USD"
    assert part(staff, TODAY, "not-sent") == "1"


def test_people_who_wrote_are_counted_once_each(staff: Client) -> None:
    provider = factories.ProviderFactory()
    for phone, keyword in [
        ("+14155550001", ""),
        ("+14155550001", ""),
        ("+14155550002", "stop"),
        ("+14155550003", "help"),
    ]:
        factories.InboundFactory(provider=provider, phone=phone, keyword=keyword)
    factories.InboundFactory(provider=provider, phone="+14155550004", keyword="refusal")
    factories.InboundFactory(provider=testcarrier.sender().provider)

    found = stages(staff)

    assert (found["replied"], found["opted_out"]) == (1, 2)


def test_more_texts_than_are_looked_at_are_at_least_so_many(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "MOST_TEXTS", 2)
    provider = factories.ProviderFactory()
    factories.InboundFactory.create_batch(3, provider=provider)
    assert "at least 2" in part(staff, TODAY, "stage-replied")


def test_failures_are_told_in_words_with_the_providers_page(staff: Client) -> None:
    provider = factories.ProviderFactory(adapter="twilio", name="Carrier")
    sender = factories.SenderFactory(provider=provider)
    for _ in range(2):
        factories.MessageFactory(sender=sender, status=Status.UNDELIVERED, reason="unreachable", error_code="30003")
    factories.MessageFactory(sender=sender, status=Status.FAILED, reason="landline", error_code="30006")

    html = staff.get(TODAY).content.decode()
    said = part(staff, TODAY, "reasons")

    assert "https://www.twilio.com/docs/api/errors/30003" in html
    assert said.index("Handset off or out of reach") < said.index("A landline")
    assert "Carrier: code 30003" in said
    assert "Ask for a mobile number." in said


# --- providers --------------------------------------------------------------------------------------------------


def test_a_tile_says_how_a_provider_does(operator: Client, settings: Settings) -> None:
    settings.HEALTH_RECEIPT_LATE_SECONDS = 120
    sender = factories.SenderFactory(provider__name="Fast", provider__rate=50)
    provider = sender.provider
    minute = timezone.now().replace(second=0, microsecond=0)
    HealthCount.objects.create(provider_id=provider.pk, at=minute - timedelta(seconds=30), attempts=90, taken=90)
    HealthCount.objects.create(provider_id=provider.pk, at=minute - timedelta(minutes=9), taken=200, heard=150)
    factories.MessageFactory(sender=sender)
    waiting = factories.MessageFactory(sender=sender)
    type(waiting).objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(minutes=7, seconds=30))
    factories.InboxReceiptFactory(provider=provider, received_at=timezone.now() - timedelta(minutes=4, seconds=10))
    vitals.count("limiter_waits", 1, provider.pk)
    vitals.flush()

    said = part(operator, TODAY, "provider-tile")

    assert said.startswith("Fast On, healthy Messages a second 1.5 of 50 segments, at a limit")
    assert "Oldest that waits 7 min" in said
    assert "75 % of 200 heard of within 2 minutes, applied 4 min late" in said


def test_a_provider_that_is_not_well_says_why(staff: Client) -> None:
    provider = factories.ProviderFactory()
    ProviderHealth.objects.create(provider=provider, state=State.DEGRADED, factor=75, reason="20 % failed.")
    assert "Degraded, 75 % of its weight. 20 % failed." in part(staff, TODAY, "provider-tile")
    assert provider.name in part(staff, NOW, "need-provider")


def test_what_is_on_hold_waits_for_nobody(staff: Client) -> None:
    factories.MessageFactory(campaign_id=7, contact_id=1)
    factories.CampaignHoldFactory(campaign_id=7)
    assert "Nothing waits" in part(staff, TODAY, "provider-tile")


# --- to whom ----------------------------------------------------------------------------------------------------


def test_an_inbox_agent_sees_what_waits_in_the_inbox_and_no_campaign() -> None:
    agent = one_of("Inbox agent")
    campaign = under_way()
    ConversationFactory(unread=True)

    for page in ("/admin/", NOW):
        html = agent.get(page).content.decode()
        assert campaign.name not in html
        assert "flow-chart" not in html
        assert "need-conversations" in html
    assert agent.get(TODAY).content.decode().strip() == ""


def test_staff_see_providers_without_a_way_to_their_setup(staff: Client, operator: Client) -> None:
    provider = factories.ProviderFactory()
    link = f"/admin/delivery/provider/{provider.pk}/change/"
    assert link not in staff.get(TODAY).content.decode()
    assert link in operator.get(TODAY).content.decode()


def test_who_has_no_role_sees_nothing(nobody: Client) -> None:
    ConversationFactory(unread=True)
    assert "ask an operator for a role" in nobody.get("/admin/").content.decode()
    assert kinds(nobody) == set()
    assert nobody.get(TODAY).content.decode().strip() == ""


# --- at what price ----------------------------------------------------------------------------------------------


def a_busy_hub() -> None:
    for make, _ in THERE_IS.values():
        make()
    sender = factories.SenderFactory()
    minute = timezone.now() - timedelta(minutes=5)
    HealthCount.objects.create(provider_id=sender.provider_id, at=minute, attempts=5, taken=5)
    campaign = under_way(max_cost=Decimal(1))
    for contact_id, status in enumerate([Status.QUEUED, Status.FAILED, Status.DELIVERED]):
        factories.MessageFactory(campaign_id=campaign.pk, contact_id=contact_id, sender=sender, status=status)
    factories.MessageFactory(sender=sender, status=Status.UNDELIVERED, error_code="30003")
    factories.CampaignFactory(status=Statuses.SCHEDULED, scheduled_at=timezone.now() + timedelta(hours=1))
    factories.InboundFactory(provider=sender.provider)


@pytest.mark.parametrize(("page", "most"), [(NOW, 28), (TODAY, 22)])
def test_a_look_costs_the_same_however_much_there_is(operator: Client, page: str, most: int) -> None:
    a_busy_hub()
    with CaptureQueriesContext(connection) as few:
        operator.get(page)
    for _ in range(3):
        a_busy_hub()

    with CaptureQueriesContext(connection) as many:
        operator.get(page)

    assert len(many) == len(few) <= most


def test_the_day_begins_at_midnight_in_utc(staff: Client) -> None:
    found = today.today()
    assert (found.since.hour, found.since.minute, found.since.utcoffset()) == (0, 0, timedelta(0))
    assert found.since.date() == timezone.now().astimezone(UTC).date()


def test_a_fragment_is_kept_by_nobodys_cache(staff: Client) -> None:
    assert all("no-store" in staff.get(page)["Cache-Control"] for page in (NOW, TODAY))
