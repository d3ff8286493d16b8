"""A provider's health in the database: counted with the batches, judged by one, written with its reason."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from delivery import accounts
from delivery.claim import Connection
from delivery.errors import Failure
from delivery.ids import ANYTIME
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import HealthChange, HealthCount, Provider, ProviderHealth
from delivery.providers.base import Outcome, SendOutcome
from delivery.receipts.reconcile import reconcile_batch
from delivery.routing import health
from delivery.routing.rules import Pin, State
from delivery.settle import settle
from delivery.states import Status
from delivery.streams import Turns
from tests.campaigns.scenes import at_once
from tests.factories import (
    InboxReceiptFactory,
    MessageFactory,
    ProviderFactory,
    ProviderHealthFactory,
    RouteFactory,
    SenderFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


def counted(provider: Provider, *, ago: float = 30, **counts: int) -> None:
    HealthCount.objects.create(provider_id=provider.pk, at=timezone.now() - timedelta(seconds=ago), **counts)


def state_of(provider: Provider) -> tuple[str, int]:
    row = ProviderHealth.objects.filter(provider=provider).first()
    return (row.state, row.factor) if row else (State.HEALTHY, 100)


def some_time_ago(provider: Provider, seconds: float = 10**5) -> None:
    ProviderHealth.objects.filter(provider=provider).update(since=timezone.now() - timedelta(seconds=seconds))


@pytest.fixture
def settling(on_loop: Callable[[Any], Any]) -> Callable[..., None]:
    def settle_all(provider: Provider, *outcomes: SendOutcome) -> None:
        async def work(connection: Connection, _: Limiter) -> None:
            await settle(connection, outcomes, provider_id=provider.pk)

        on_loop(work)

    return settle_all


# --- counting ---------------------------------------------------------------------------------------------------


@committed
def test_settling_counts_what_speaks_for_the_provider_and_against_it(settling: Callable[..., None]) -> None:
    sender = SenderFactory()
    fates: list[dict[str, Any]] = [
        {"outcome": Outcome.ACCEPTED, "provider_message_id": "SM1"},
        {"outcome": Outcome.REJECTED, "failure": Failure.INVALID_NUMBER},  # the number's fault
        {"outcome": Outcome.REJECTED, "failure": Failure.CARRIER},
        {"outcome": Outcome.UNCERTAIN},
        {"outcome": Outcome.THROTTLED},  # ours
        {"outcome": Outcome.THROTTLED, "failure": Failure.CARRIER},  # no connection could be made
    ]
    messages = [MessageFactory(sender=sender, status=Status.SENDING) for _ in fates]

    settling(
        sender.provider,
        *[SendOutcome(message.pk, 1, **fate) for message, fate in zip(messages, fates, strict=True)],
    )

    row = HealthCount.objects.get()
    assert (row.provider_id, row.attempts, row.errors, row.taken) == (sender.provider_id, 5, 3, 1)


def test_the_first_receipt_of_an_attempt_counts_once_and_only_if_it_came_in_time() -> None:
    now = timezone.now()
    provider = ProviderFactory(adapter="twilio")
    sender = SenderFactory(provider=provider)

    def heard(sent_at: datetime, *statuses: Status, **fields: Any) -> None:
        message = MessageFactory(sender=sender, status=Status.ACCEPTED, sent_at=sent_at)
        for status in statuses:
            InboxReceiptFactory(provider=provider, message_id=message.pk, status=status, received_at=now, **fields)
            reconcile_batch()

    heard(now - timedelta(seconds=3), Status.ACCEPTED, Status.SENT, Status.SENT, Status.DELIVERED)
    heard(now - timedelta(hours=1), Status.DELIVERED)
    heard(now - timedelta(seconds=3), Status.UNDELIVERED, reason=Failure.CARRIER)
    heard(now - timedelta(seconds=3), Status.UNDELIVERED, reason=Failure.UNREACHABLE)

    rows = list(HealthCount.objects.all())
    assert sum(row.heard for row in rows) == 3
    assert sum(row.errors for row in rows) == 1


def test_counts_are_folded_together_and_forgotten_after_a_day() -> None:
    provider = ProviderFactory()
    at = timezone.now() - timedelta(minutes=3)
    for _ in range(4):
        HealthCount.objects.create(provider_id=provider.pk, at=at, attempts=5, heard=1)
    counted(provider, ago=2 * 86_400, attempts=7)

    health.squash()

    row = HealthCount.objects.get()
    assert (row.at, row.attempts, row.heard) == (at, 20, 4)


# --- judging ----------------------------------------------------------------------------------------------------


def test_errors_open_a_provider_with_the_reason_and_the_figures() -> None:
    provider = ProviderFactory()
    counted(provider, attempts=40, errors=30)

    health.look()

    assert state_of(provider) == (State.OPEN, 0)
    change = HealthChange.objects.get()
    assert (change.from_state, change.to_state, change.from_factor, change.factor) == ("healthy", "open", 100, 0)
    assert change.reason == "75.0 % of 40 attempts failed by its fault."
    assert change.figures == {"attempts": 40, "errors": 30, "taken": 0, "missing": 0}
    assert ProviderHealth.objects.get().review, "its queue is to be gone through"


def test_old_errors_and_those_before_the_last_change_do_not_count() -> None:
    provider = ProviderFactory()
    counted(provider, ago=3000, attempts=40, errors=30)
    health.look()
    assert state_of(provider) == (State.HEALTHY, 100)

    counted(provider, ago=100, attempts=40, errors=30)
    ProviderHealthFactory(provider=provider, state=State.DEGRADED, factor=75)
    some_time_ago(provider, 90)
    health.look()
    assert state_of(provider) == (State.DEGRADED, 75)


def test_missing_receipts_degrade_the_one_that_is_slow() -> None:
    slow, quick = ProviderFactory(adapter="twilio"), ProviderFactory(adapter="vonage")
    counted(slow, ago=600, attempts=100, taken=100, heard=60)
    counted(quick, ago=600, attempts=100, taken=100, heard=99)
    health.look()
    assert state_of(slow) == (State.DEGRADED, 75)
    assert state_of(quick) == (State.HEALTHY, 100)


def test_when_everybody_is_slow_nobody_is_blamed() -> None:
    both = ProviderFactory(adapter="twilio"), ProviderFactory(adapter="vonage")
    for provider in both:
        counted(provider, ago=600, attempts=100, taken=100, heard=60)
    health.look()
    assert [state_of(provider) for provider in both] == [(State.HEALTHY, 100)] * 2


def test_receipts_are_not_asked_of_a_provider_that_sends_none_nor_before_their_time() -> None:
    console, twilio = ProviderFactory(adapter="console"), ProviderFactory(adapter="twilio")
    counted(console, ago=600, attempts=100, taken=100)
    counted(twilio, ago=60, attempts=100, taken=100)
    health.look()
    assert not HealthChange.objects.exists()


def test_it_comes_back_by_itself_by_way_of_a_trial() -> None:
    provider = ProviderFactory()
    counted(provider, ago=10**5, attempts=40, errors=40)
    ProviderHealthFactory(provider=provider, state=State.OPEN, factor=0, openings=1)
    seen = []
    for _ in range(6):
        some_time_ago(provider)
        counted(provider, ago=1, attempts=10)
        health.look()
        seen.append(state_of(provider))
    assert seen == [
        (State.HALF_OPEN, 10),
        (State.DEGRADED, 35),
        (State.DEGRADED, 60),
        (State.DEGRADED, 85),
        (State.HEALTHY, 100),
        (State.HEALTHY, 100),
    ]
    assert not ProviderHealth.objects.get().openings


def test_an_account_that_is_refused_counts_as_open_until_it_is_on_again() -> None:
    provider = ProviderFactory()
    accounts.disable(provider, "The provider refuses the account (code 20003).")
    health.look()
    assert state_of(provider) == (State.OPEN, 0)
    assert "20003" in HealthChange.objects.get().reason
    some_time_ago(provider)
    health.look()
    assert state_of(provider) == (State.OPEN, 0)

    accounts.enable(provider)
    health.look()
    assert state_of(provider) == (State.HALF_OPEN, 10)


def test_a_person_may_pin_it_and_take_that_back() -> None:
    provider, ada = ProviderFactory(), UserFactory(username="ada")
    counted(provider, attempts=40, errors=40)

    health.pin(provider=provider, pin=Pin.HEALTHY, who=ada.get_username())
    health.look()
    assert state_of(provider) == (State.HEALTHY, 100)

    health.pin(provider=provider, pin=Pin.OPEN, who=ada.get_username())
    health.look()
    assert state_of(provider) == (State.OPEN, 0)
    change = HealthChange.objects.first()
    assert change
    assert (change.actor_label, change.reason) == ("ada", "Pinned open by ada.")

    health.pin(provider=provider, pin=Pin.NONE, who=ada.get_username())
    assert state_of(provider) == (State.HEALTHY, 100)


@committed
def test_of_several_at_once_one_judges() -> None:
    provider = ProviderFactory()
    counted(provider, attempts=40, errors=40)
    at_once(*[health.look] * 4)
    assert HealthChange.objects.count() == 1


@committed
def test_whoever_comes_while_another_judges_goes_on() -> None:
    counted(ProviderFactory(), attempts=40, errors=40)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('smshub health', 0))")
        assert at_once(health.look) == [None]
    assert not HealthChange.objects.exists()


def test_judging_takes_as_many_queries_for_many_providers_as_for_few() -> None:
    taken = []
    for number in (1, 6):
        ProviderFactory.create_batch(number)
        with CaptureQueriesContext(connection) as queries:
            health.look()
        taken.append(len(queries))
    assert taken[0] == taken[1]


# --- what is held back ------------------------------------------------------------------------------------------


def test_an_open_provider_is_held_back_only_where_another_can_stand_in() -> None:
    provider = RouteFactory().sender.provider
    counted(provider, attempts=40, errors=40)
    health.look()
    assert ProviderHealth.objects.get().trial_rate is None, "its messages have nowhere else to go"

    RouteFactory(order=2)
    health.look()
    assert ProviderHealth.objects.get().trial_rate == 0


@committed
def test_nothing_is_claimed_of_what_is_held_back_and_a_trickle_on_trial(on_loop: Any, settings: Settings) -> None:
    sender = RouteFactory(sender__provider__rate=200).sender
    MessageFactory(sender=sender)
    row = ProviderHealthFactory(provider=sender.provider, state=State.OPEN, factor=0, trial_rate=0.0)

    async def waiting(connection: Connection, _: Limiter) -> Any:
        lanes = tuple(Lane)
        return await Turns().next(connection, sender.provider_id, rate=200, lanes=lanes, floor=ANYTIME)

    assert on_loop(waiting) == []

    row.trial_rate = 20.0
    row.save()
    (stream,) = on_loop(waiting)
    rates = {bucket.name: bucket.rate for bucket in stream.buckets}
    assert rates == {f"sender:{sender.pk}": 200, f"trial:{sender.provider_id}": 20.0}
