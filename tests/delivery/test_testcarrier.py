"""The test carrier: every number has its fate by the true path, and nothing of it touches anybody."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from contacts import phone
from contacts.models import Suppression
from delivery import testcarrier, uncertain
from delivery.dispatch import dispatch
from delivery.lanes import Lane
from delivery.models import TEST_PROVIDER, HealthChange, InboxReceipt, Message, Provider, Reached, Sender
from delivery.providers.base import Outcome
from delivery.providers.testcarrier.numbers import DELIVERED, FATES, Fate, fate
from delivery.receipts.reconcile import reconcile_batch
from delivery.routing import health, routes
from delivery.runtime import Runtime, runtime
from delivery.states import Status
from delivery.submit import NoWay, submit
from tests.factories import FrequencyCapFactory, MessageFactory, PriceFactory, ProviderFactory, RouteFactory

ANYBODY = "+14155550123"


@pytest.fixture
def sender(transactional_db: None, clean_redis: Any) -> Sender:
    return testcarrier.sender()


def send(recipient: str, sender: Sender, **fields: Any) -> Message:
    """Submit one and run the worker's side of it: dispatch, and all receipts as if their time had come."""
    message = submit(recipient=recipient, body="Your table is ready.", sender=sender, **fields)
    work = Runtime(runtime().runner)
    dispatch(TEST_PROVIDER, runtime=work, seconds=1)
    come(message)
    return message


def come(message: Message) -> None:
    """The time has come for whatever was to be heard later."""
    InboxReceipt.objects.update(try_at=timezone.now())
    while reconcile_batch():
        pass
    message.refresh_from_db()


def ask(message: Message) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Message.objects.filter(pk=message.pk).update(ask_at=long_ago, claimed_at=long_ago)
    uncertain.ask(TEST_PROVIDER, runtime=Runtime(runtime().runner))
    message.refresh_from_db()


def test_anybody_else_is_delivered_to_by_receipts_that_say_so_in_their_time(sender: Sender) -> None:
    message = submit(recipient=ANYBODY, body="Your table is ready.", sender=sender)
    dispatch(TEST_PROVIDER, runtime=Runtime(runtime().runner), seconds=1)

    due = InboxReceipt.objects.order_by("try_at").values_list("status", "message_id", "attempt", "provider_id")
    assert [*due] == [(Status.SENT, message.pk, 1, TEST_PROVIDER), (Status.DELIVERED, message.pk, 1, TEST_PROVIDER)]
    first, second = InboxReceipt.objects.order_by("try_at")
    assert second.received_at - first.received_at == timedelta(seconds=0.5)
    come(message)

    assert (message.status, message.provider_message_id) == (Status.DELIVERED, f"test-{message.pk}-1")
    assert [event.status for event in message.events.order_by("at")][-1] == Status.DELIVERED


@pytest.mark.parametrize("number", [number for number, what in FATES.items() if what.answer is Outcome.REJECTED])
def test_what_it_refuses_has_failed_with_its_reason(sender: Sender, number: str) -> None:
    message = send(number, sender)

    assert (message.status, message.reason) == (Status.FAILED, FATES[number].failure)
    assert message.error_code == FATES[number].code
    assert not InboxReceipt.objects.exists()


@pytest.mark.parametrize(
    "number", [number for number, what in FATES.items() if what.answer is Outcome.ACCEPTED and what.words]
)
def test_what_it_takes_ends_as_its_last_word_says(sender: Sender, number: str) -> None:
    message = send(number, sender, lane=Lane.BULK)
    if FATES[number].throttled_seconds:
        assert message.status == Status.HELD
        old = submit_made_earlier(message, seconds=FATES[number].throttled_seconds)
        dispatch(TEST_PROVIDER, runtime=Runtime(runtime().runner), seconds=1)
        come(old)
        message = old

    assert message.status == FATES[number].last.status
    assert message.reason == (FATES[number].last.failure or "")


def submit_made_earlier(message: Message, *, seconds: float) -> Message:
    """One like it that was made so long ago."""
    from delivery.ids import first_id, new_message_id

    made = first_id(timezone.now() - timedelta(seconds=seconds + 1)).int | (new_message_id().int & (2**80 - 1))
    earlier: Message = MessageFactory(
        id=type(message.pk)(int=made), sender=message.sender, recipient=message.recipient, lane=message.lane
    )
    return earlier


def test_without_receipts_the_hub_asks(sender: Sender) -> None:
    message = send("+15005550081", sender)
    assert message.status == Status.ACCEPTED

    ask(message)

    assert message.status == Status.DELIVERED


def test_what_is_in_doubt_is_found_or_sent_again(sender: Sender) -> None:
    has_it, never_had_it = send("+15005550091", sender), send("+15005550092", sender)
    assert has_it.status == never_had_it.status == Status.UNCERTAIN

    ask(has_it)
    ask(never_had_it)

    assert (has_it.status, has_it.attempt) == (Status.DELIVERED, 1)
    assert (never_had_it.status, never_had_it.attempt) == (Status.QUEUED, 2)
    dispatch(TEST_PROVIDER, runtime=Runtime(runtime().runner), seconds=1)
    come(never_had_it)
    assert never_had_it.status == Status.DELIVERED


def test_nobody_is_suppressed_counted_or_charged_for_by_it(sender: Sender) -> None:
    FrequencyCapFactory(country="", most=1, hours=24)
    PriceFactory(provider=ProviderFactory())
    for number in ("+15005550001", "+15005550004"):
        send(number, sender)
    for _ in range(2):
        bulk = send(ANYBODY, sender, lane=Lane.BULK)

    assert not Suppression.objects.exists()
    assert not Reached.objects.exists()
    assert bulk.cost == 0


@pytest.mark.django_db
def test_its_troubles_are_nobodys_health(settings: Any) -> None:
    settings.HEALTH_AT_LEAST = 1
    sender = testcarrier.sender()
    from delivery.models import HealthCount

    HealthCount.objects.create(provider_id=TEST_PROVIDER, at=timezone.now(), attempts=100, errors=100)

    health.look()

    assert not HealthChange.objects.exists()
    assert TEST_PROVIDER not in {seen.provider_id for seen in health.see(timezone.now())}
    assert sender.enabled


@pytest.mark.django_db
def test_nothing_is_routed_to_it_whatever_the_table_says() -> None:
    sender = testcarrier.sender()
    RouteFactory(sender=sender, country="US")
    Sender.objects.filter(pk=sender.pk).update(is_default=True)

    assert routes.ways_to("US", Lane.BULK).to(ANYBODY, "US", Lane.BULK) is None
    assert routes.ways().default is None
    Sender.objects.filter(pk=sender.pk).update(enabled=False)
    with pytest.raises(NoWay):
        submit(recipient=ANYBODY, body="x", sender=testcarrier.sender())


@pytest.mark.django_db
def test_it_is_made_once_and_found_after_that(django_assert_num_queries: Any) -> None:
    first = testcarrier.sender()
    with django_assert_num_queries(1):
        assert testcarrier.sender() == first
    assert Provider.objects.get(pk=TEST_PROVIDER).adapter == testcarrier.ADAPTER


@pytest.mark.parametrize("number", FATES)
def test_its_numbers_are_numbers_to_the_hub(number: str) -> None:
    assert phone.normalise(number, default_country=None).e164 == number


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.integers(1, 10))
def test_every_number_has_a_fate_and_any_further_attempt_an_end(number: str, attempt: int) -> None:
    what: Fate = fate(number, attempt)
    assert what.answer in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNCERTAIN)
    assert number in FATES or what is DELIVERED


def test_the_documentation_has_every_number_in_the_same_words() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()

    told = dict(re.findall(r"^\| `(\+1500\d+)` \| (.+) \|$", page, re.MULTILINE))

    assert told == {number: what.says for number, what in FATES.items()}
