"""What is queued at a provider that is not well goes another way: what was routed and nobody claimed, and no more."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from delivery.claim import Connection
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import EVENT_ORDER, Attempt, HealthChange, Message, ProviderHealth, Route, Sender
from delivery.providers.base import Outcome, SendOutcome
from delivery.receipts.reconcile import reconcile_batch
from delivery.routing import failover, health
from delivery.routing.rules import State
from delivery.settle import settle
from delivery.states import OPEN, Status
from tests.campaigns.scenes import at_once
from tests.campaigns.test_control import claim_at
from tests.delivery.test_health import counted
from tests.factories import (
    CampaignHoldFactory,
    InboxReceiptFactory,
    MessageFactory,
    PriceFactory,
    ProviderHealthFactory,
    RouteFactory,
)

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


def routed(sender: Sender, **fields: Any) -> Message:
    return MessageFactory(**{"sender": sender, "routed": True, "country": "US", "lane": Lane.BULK} | fields)


def opened(route: Route) -> ProviderHealth:
    """Its provider has just been opened."""
    counted(route.sender.provider, attempts=40, errors=40)
    health.look()
    return ProviderHealth.objects.get(provider=route.sender.provider)


def at(sender: Sender) -> int:
    return Message.objects.filter(sender=sender, provider=sender.provider_id).count()


@pytest.fixture
def ill() -> Route:
    return RouteFactory(sender__provider__rate=100)


@pytest.fixture
def well() -> Route:
    return RouteFactory(sender__provider__rate=100)


def test_what_is_queued_at_an_open_provider_goes_another_way(ill: Route, well: Route) -> None:
    messages = [routed(ill.sender) for _ in range(30)]
    opened(ill)

    assert failover.review() == 30

    assert (at(ill.sender), at(well.sender)) == (0, 30)
    assert HealthChange.objects.get().moved == 30
    assert not any(message.events.exists() for message in messages), "a million lines would tell nobody anything"
    assert failover.review() == 0


@pytest.mark.parametrize("status", sorted(OPEN - {Status.QUEUED, Status.HELD}))
def test_what_may_have_left_is_never_moved(ill: Route, well: Route, status: Status) -> None:
    routed(ill.sender, status=status)
    opened(ill)
    assert failover.review() == 0
    assert at(ill.sender) == 1


def test_nor_is_a_message_whose_sender_was_named(ill: Route, well: Route) -> None:
    routed(ill.sender, routed=False)
    opened(ill)
    assert failover.review() == 0


def test_the_other_provider_gets_no_more_than_it_clears_in_seconds(ill: Route, well: Route, settings: Settings) -> None:
    settings.FAILOVER_SECONDS = 0.1
    for _ in range(30):
        routed(ill.sender)
    for _ in range(4):
        MessageFactory(sender=well.sender, lane=Lane.BULK)
    opened(ill)

    assert failover.review() == 6
    assert failover.review() == 0, "until it has sent some"
    Message.objects.filter(sender=well.sender).update(status=Status.SENT)
    assert failover.review() == 10


def test_an_alert_does_not_wait_behind_the_others_bulk(ill: Route, well: Route, settings: Settings) -> None:
    settings.FAILOVER_SECONDS = 0.1
    for _ in range(12):
        MessageFactory(sender=well.sender, lane=Lane.BULK)
    routed(ill.sender, lane=Lane.BULK)
    alert = routed(ill.sender, lane=Lane.ALERT)
    opened(ill)

    assert failover.review() == 1
    alert.refresh_from_db()
    assert alert.sender == well.sender


def test_what_is_on_hold_stays_and_does_not_count(ill: Route, well: Route, settings: Settings) -> None:
    settings.FAILOVER_SECONDS = 0.1
    CampaignHoldFactory(campaign_id=7)
    for number in range(12):
        MessageFactory(sender=well.sender, lane=Lane.BULK, campaign_id=7, contact_id=number)
    routed(ill.sender, campaign_id=7, contact_id=99)
    routed(ill.sender)
    opened(ill)
    assert failover.review() == 1
    assert at(ill.sender) == 1


def test_what_has_nowhere_else_to_go_stays_and_is_no_obstacle(
    ill: Route, well: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "PAGE", 4)
    monkeypatch.setattr(failover, "_PAGE", failover._PAGE.replace("LIMIT 5000", "LIMIT 4"))
    RouteFactory(country="GB", sender=ill.sender)
    for _ in range(10):
        routed(ill.sender, country="GB", lane=Lane.REMINDER)
    for _ in range(3):
        routed(ill.sender, lane=Lane.BULK)
    opened(ill)

    assert sum(failover.review() for _ in range(8)) == 3

    assert at(ill.sender) == 10
    assert at(well.sender) == 3


def test_a_degraded_provider_gives_up_its_share_once(ill: Route, well: Route) -> None:
    for number in range(400):
        routed(ill.sender, recipient=f"+1415556{number:04d}")
    # As they were when both were well: those that the other has are at the other.
    row = ProviderHealthFactory(provider=ill.sender.provider, review=True)
    failover.review()
    had = at(ill.sender)
    assert had == pytest.approx(200, abs=40)

    row.refresh_from_db()
    row.state, row.factor, row.review = State.DEGRADED, 50, True
    row.save()
    failover.review()
    assert at(ill.sender) == pytest.approx(400 / 3, abs=30)
    row.refresh_from_db()
    assert not row.review
    assert failover.review() == 0


def test_a_sender_that_was_switched_off_is_left_by_its_pool(ill: Route) -> None:
    other = RouteFactory(sender__provider=ill.sender.provider)
    for _ in range(5):
        routed(ill.sender)
    Sender.objects.filter(pk=ill.sender_id).update(enabled=False)
    ProviderHealthFactory(provider=ill.sender.provider, review=True)

    assert failover.review() == 5
    assert at(other.sender) == 5


def test_who_is_moved_costs_what_the_other_takes(ill: Route, well: Route) -> None:
    PriceFactory(provider=well.sender.provider, per_segment=Decimal("0.03"))
    message = routed(ill.sender, segments=2, cost=Decimal("0.01"))
    opened(ill)
    failover.review()
    message.refresh_from_db()
    assert message.cost == Decimal("0.06")


def test_without_any_route_nothing_is_moved() -> None:
    message = routed(MessageFactory().sender)
    ProviderHealthFactory(provider=message.provider, state=State.OPEN, factor=0, review=True)
    assert failover.review() == 0


@committed
def test_what_is_claimed_while_others_are_moved_is_one_or_the_other(ill: Route, well: Route) -> None:
    for number in range(300):
        routed(ill.sender, recipient=f"+1415557{number:04d}")
    ProviderHealthFactory(provider=ill.sender.provider, state=State.OPEN, factor=0, review=True)

    def claim() -> set[Any]:
        return set().union(*(claim_at(ill.sender.provider_id, 20) for _ in range(4)))

    *claims, moved = at_once(claim, claim, claim, failover.review)

    claimed = set().union(*claims)
    assert sum(map(len, claims)) == len(claimed), "nothing is claimed twice"
    rows = Message.objects.filter(pk__in=claimed)
    assert set(rows.values_list("status", "sender_id")) <= {(Status.SENDING, ill.sender_id)}
    assert at(well.sender) == moved
    assert not Message.objects.filter(sender=well.sender).exclude(status=Status.QUEUED).exists()


def test_a_page_of_a_long_queue_is_read_by_its_index(ill: Route) -> None:
    values = {"provider_id": ill.sender.provider_id, **dict(zip(failover.CURSOR, failover._START, strict=True))}
    with connection.cursor() as cursor:
        # To read an empty partition from end to end costs nothing, if Postgres happens to know that it is empty.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {failover._PAGE}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    # Each partition has the claim index under a name of its own.
    assert "Index Cond: ((provider_id" in plan
    assert "Seq Scan" not in plan


# --- another attempt by another route -----------------------------------------------------------------------------


@pytest.fixture
def refused(on_loop: Callable[[Any], Any]) -> Callable[..., Message]:
    """A message that is being sent is refused as it is handed over."""

    def refuse(message: Message, failure: Failure) -> Message:
        async def work(connection: Connection, _: Limiter) -> None:
            outcome = SendOutcome(message.pk, message.attempt, Outcome.REJECTED, failure=failure, code="21408")
            await settle(connection, [outcome], provider_id=message.provider_id)

        on_loop(work)
        message.refresh_from_db()
        return message

    return refuse


def sending(route: Route, **fields: Any) -> Message:
    return routed(route.sender, status=Status.SENDING, claimed_at=timezone.now(), **fields)


@committed
@pytest.mark.parametrize("failure", [Failure.DESTINATION, Failure.SENDER, Failure.CARRIER])
def test_a_refusal_that_is_the_routes_fault_is_tried_by_another(
    ill: Route, well: Route, refused: Callable[..., Message], failure: Failure
) -> None:
    PriceFactory(provider=well.sender.provider, per_segment=Decimal("0.03"))
    message = refused(sending(ill), failure)

    assert (message.status, message.attempt, message.sender) == (Status.HELD, 2, well.sender)
    assert message.cost == Decimal("0.03")
    first = Attempt.objects.get(message=message)
    assert (first.number, first.provider, first.reason) == (1, ill.sender.provider, failure)
    assert [event.status for event in message.events.order_by(*EVENT_ORDER)] == [Status.FAILED, Status.HELD]


@committed
@pytest.mark.parametrize(
    ("failure", "fields"),
    [
        (Failure.CONTENT, {}),  # not the route's fault
        (Failure.DESTINATION, {"routed": False}),  # this sender was asked for
        (Failure.DESTINATION, {"attempt": 3}),  # it has gone a long way already
        (Failure.DESTINATION, {"valid_until": timezone.now()}),  # too late
    ],
)
def test_where_a_refusal_is_final(
    ill: Route, well: Route, refused: Callable[..., Message], failure: Failure, fields: dict[str, Any]
) -> None:
    message = refused(sending(ill, **fields), failure)
    assert (message.status, message.sender) == (Status.FAILED, ill.sender)


@committed
def test_it_never_goes_back_to_a_provider_that_refused_it(
    ill: Route, well: Route, refused: Callable[..., Message]
) -> None:
    message = refused(sending(ill), Failure.DESTINATION)
    Message.objects.filter(pk=message.pk).update(status=Status.SENDING)
    message.refresh_from_db()
    assert refused(message, Failure.DESTINATION).status == Status.FAILED


@committed
def test_of_one_account_another_sender_is_another_route_only_for_a_senders_fault(
    ill: Route, refused: Callable[..., Message]
) -> None:
    other = RouteFactory(sender__provider=ill.sender.provider)
    assert refused(sending(ill), Failure.DESTINATION).status == Status.FAILED
    assert refused(sending(ill), Failure.SENDER).sender == other.sender


def test_a_carriers_trouble_is_tried_when_the_table_says_so_and_elsewhere(ill: Route, well: Route) -> None:
    told = {"status": Status.UNDELIVERED, "reason": Failure.CARRIER, "provider": ill.sender.provider}
    reminder, bulk = (
        routed(ill.sender, lane=lane, status=Status.SENT, claimed_at=timezone.now())
        for lane in (Lane.REMINDER, Lane.BULK)
    )
    for message in (reminder, bulk):
        InboxReceiptFactory(message_id=message.pk, **told)
    reconcile_batch()

    reminder.refresh_from_db()
    bulk.refresh_from_db()
    assert (reminder.status, reminder.sender) == (Status.HELD, well.sender)
    assert reminder.not_before
    assert reminder.not_before > timezone.now() + timedelta(minutes=5)
    assert (bulk.status, bulk.sender) == (Status.UNDELIVERED, ill.sender)
