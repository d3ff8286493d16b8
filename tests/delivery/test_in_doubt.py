"""In doubt at a provider that cannot be asked: never sent again, unless the operator has said so for the lane."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from delivery import in_doubt, uncertain
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Attempt, Message
from delivery.providers import registry
from delivery.receipts.reconcile import reconcile_batch
from delivery.runtime import Runtime, runtime
from delivery.states import Status
from tests.factories import InboxReceiptFactory, MessageFactory

pytestmark = pytest.mark.django_db

CANNOT, CAN = "vonage", "twilio"


class Silent(Runtime):
    """A worker whose adapters must not be needed."""

    async def adapter(self, provider: Any) -> Any:
        raise AssertionError("There is nobody to ask")


def doubtful(*, age: float, adapter: str = CANNOT, **fields: Any) -> Message:
    now = timezone.now()
    given_fields = {"status": Status.UNCERTAIN, "claimed_at": now - timedelta(seconds=age), "ask_at": now}
    return MessageFactory(sender__provider__adapter=adapter, **{**given_fields, **fields})


def look(message: Message, *, worker: type[Runtime] = Silent) -> Message:
    assert message.provider_id
    Message.objects.filter(pk=message.pk).update(ask_at=timezone.now())
    uncertain.ask(message.provider_id, runtime=worker(runtime().runner))
    message.refresh_from_db()
    return message


def was_sent_again(message: Message) -> bool:
    return (message.status, message.attempt) == (Status.QUEUED, 2)


@pytest.mark.parametrize(("name", "can_ask"), [("twilio", True), ("vonage", False), ("console", False)])
def test_who_can_be_asked(name: str, can_ask: bool) -> None:
    assert registry.kind(name).can_ask is can_ask


@pytest.mark.parametrize("lane", list(Lane))
def test_by_default_nothing_in_doubt_is_ever_sent_again(lane: Lane) -> None:
    message = look(doubtful(age=10_000, lane=lane))
    assert (message.status, message.attempt) == (Status.UNCERTAIN, 1)


@pytest.mark.parametrize(
    ("policy", "lane", "age", "again"),
    [
        ({"alert": "60"}, Lane.ALERT, 61, True),
        ({"alert": "60"}, Lane.ALERT, 55, False),
        ({"alert": "60"}, Lane.TRANSACTIONAL, 10_000, False),
        ({"alert": "60", "transactional": "600"}, Lane.TRANSACTIONAL, 599, False),
        ({"alert": "60", "transactional": "600"}, Lane.TRANSACTIONAL, 601, True),
        ({"alert": "60", "transactional": "600"}, Lane.REMINDER, 10_000, False),
        ({"alert": "60", "transactional": "600"}, Lane.BULK, 10_000, False),
    ],
)
def test_the_policy_says_for_which_lane_and_after_how_long(
    settings: Settings, policy: dict[str, str], lane: Lane, age: float, again: bool
) -> None:
    settings.SEND_AGAIN_IN_DOUBT = policy
    assert was_sent_again(look(doubtful(age=age, lane=lane))) is again


def test_it_is_due_again_at_the_very_moment_when_the_policy_lets_it_go(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "300"}
    message = look(doubtful(age=290, lane=Lane.ALERT))
    assert message.claimed_at
    assert message.ask_at == message.claimed_at + timedelta(seconds=300)


def test_the_second_attempt_and_its_reason_are_on_record(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}

    message = look(doubtful(age=61, lane=Lane.ALERT))

    attempt = Attempt.objects.get(message=message)
    assert (attempt.number, attempt.status, attempt.reason) == (1, Status.UNCERTAIN, Failure.NO_RECEIPT)
    event = message.events.get()
    assert (event.status, event.attempt, event.reason) == (Status.QUEUED, 1, Failure.NO_RECEIPT)
    assert "cannot be asked" in event.detail
    assert message.reason == ""


def test_a_provider_that_can_be_asked_is_asked_and_the_policy_is_not_about_it(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}

    class Down(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return self

        async def ask(self, question: Any) -> Any:
            raise uncertain.CannotAsk("down for now")

    message = look(doubtful(age=10_000, adapter=CAN, lane=Lane.ALERT), worker=Down)
    assert (message.status, message.attempt) == (Status.UNCERTAIN, 1)


def test_what_the_provider_has_taken_is_not_in_doubt(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}

    class Mute(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return self

        async def ask(self, question: Any) -> Any:
            raise uncertain.CannotAsk("not at all")

    for status in (Status.ACCEPTED, Status.SENT):
        taken = doubtful(age=10_000, lane=Lane.ALERT, status=status, provider_message_id="SM1")
        assert look(taken, worker=Mute).status == status


def test_a_receipt_that_is_stored_and_not_yet_applied_counts(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}
    message = doubtful(age=61, lane=Lane.ALERT)
    InboxReceiptFactory(provider=message.provider, message_id=message.pk, status=Status.SENT)

    assert look(message).status == Status.UNCERTAIN

    reconcile_batch()
    message.refresh_from_db()
    assert message.status == Status.SENT


def test_nothing_is_sent_again_while_receipts_wait_for_long(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}
    message = doubtful(age=61, lane=Lane.ALERT)
    late = timezone.now() - timedelta(seconds=in_doubt.INBOX_LATE_SECONDS + 1)
    other = InboxReceiptFactory(received_at=late)

    assert not was_sent_again(look(message))

    other.delete()
    assert was_sent_again(look(message))


def test_good_news_of_the_first_attempt_withdraws_the_second(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}
    message = look(doubtful(age=61, lane=Lane.ALERT))
    InboxReceiptFactory(provider=message.provider, message_id=message.pk, attempt=1, status=Status.SENT)

    reconcile_batch()

    message.refresh_from_db()
    assert message.status == Status.SENT


def test_what_is_pointless_by_now_is_not_sent_again(settings: Settings) -> None:
    settings.SEND_AGAIN_IN_DOUBT = {"alert": "60"}
    message = doubtful(age=61, lane=Lane.ALERT, valid_until=timezone.now() - timedelta(seconds=1))
    assert not was_sent_again(look(message))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lane=st.sampled_from(list(Lane)),
    age=st.integers(0, 400),
    attempt=st.integers(1, 5),
    adapter=st.sampled_from([CANNOT, CAN]),
    after=st.dictionaries(st.sampled_from(["alert", "transactional"]), st.integers(16, 300).map(str)),
)
def test_it_is_sent_again_only_when_everything_says_so(
    request: pytest.FixtureRequest, lane: Lane, age: int, attempt: int, adapter: str, after: dict[str, str]
) -> None:
    request.getfixturevalue("settings").SEND_AGAIN_IN_DOUBT = after
    message = doubtful(age=age, adapter=adapter, lane=lane, attempt=attempt)

    class Down(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return self

        async def ask(self, question: Any) -> Any:
            raise uncertain.CannotAsk("down for now")

    look(message, worker=Down)

    seconds = int(after.get(lane.name.lower(), 10_000))
    allowed = adapter == CANNOT and age >= seconds and attempt < in_doubt.MOST_ATTEMPTS
    assert (message.status == Status.QUEUED) is allowed
    assert message.attempt == attempt + allowed
    assert Attempt.objects.filter(message=message).count() == allowed


@pytest.mark.parametrize("policy", [{"bulk": "60"}, {"alert": "soon"}, {"alert": "5"}, {"otp": "60"}])
def test_a_policy_that_makes_no_sense_is_refused_with_a_sentence(settings: Settings, policy: dict[str, str]) -> None:
    settings.SEND_AGAIN_IN_DOUBT = policy
    with pytest.raises(ImproperlyConfigured, match="SEND_AGAIN_IN_DOUBT"):
        in_doubt.policy()
    assert [error.id for error in checks.run_checks(tags=["delivery"])] == ["delivery.E001"]
