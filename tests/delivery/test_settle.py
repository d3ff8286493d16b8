"""Settling: outcomes become statuses by the rank rule, whatever else has happened to the row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from delivery.claim import Connection
from delivery.errors import Failure
from delivery.limiter import Limiter
from delivery.models import Message
from delivery.providers.base import Outcome, SendOutcome
from delivery.settle import settle
from delivery.states import Status
from tests.factories import MessageFactory

Settle = Callable[..., None]


@pytest.fixture
def settling(on_loop: Callable[[Any], Any]) -> Settle:
    def settle_all(*outcomes: SendOutcome) -> None:
        async def work(connection: Connection, _: Limiter) -> None:
            await settle(connection, outcomes)

        on_loop(work)

    return settle_all


def sending(**fields: Any) -> Message:
    return MessageFactory(status=Status.SENDING, lease_until=timezone.now(), claimed_at=timezone.now(), **fields)


def test_a_batch_of_all_outcomes(settling: Settle) -> None:
    accepted, refused, doubtful, later = (sending() for _ in range(4))

    settling(
        SendOutcome(accepted.pk, 1, Outcome.ACCEPTED, provider_message_id="SM1"),
        SendOutcome(refused.pk, 1, Outcome.REJECTED, failure=Failure.INVALID_NUMBER, code="21211"),
        SendOutcome(doubtful.pk, 1, Outcome.UNCERTAIN, detail="No answer in time"),
        SendOutcome(later.pk, 1, Outcome.THROTTLED, code="20429", retry_after=3),
    )

    for message in (accepted, refused, doubtful, later):
        message.refresh_from_db()
    assert (accepted.status, accepted.provider_message_id) == (Status.ACCEPTED, "SM1")
    assert (refused.status, refused.reason, refused.error_code) == (Status.FAILED, "invalid_number", "21211")
    assert refused.final_at is not None
    assert doubtful.status == Status.UNCERTAIN
    assert doubtful.ask_at is not None
    assert later.status == Status.HELD
    assert later.not_before is not None
    assert later.attempt == 1
    assert {event.status for event in accepted.events.all()} == {Status.ACCEPTED}


def test_a_receipt_that_was_quicker_is_not_overwritten(settling: Settle) -> None:
    message = MessageFactory(status=Status.DELIVERED)

    settling(SendOutcome(message.pk, 1, Outcome.ACCEPTED, provider_message_id="SM1"))

    message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.DELIVERED, "SM1")


def test_settling_twice_changes_nothing(settling: Settle) -> None:
    message = sending()
    outcome = SendOutcome(message.pk, 1, Outcome.ACCEPTED, provider_message_id="SM1")

    settling(outcome)
    settling(outcome)

    message.refresh_from_db()
    assert message.status == Status.ACCEPTED
    assert message.events.count() == 1


def test_a_late_answer_about_an_earlier_attempt_does_not_touch_the_present_one(settling: Settle) -> None:
    message = sending(attempt=2)

    settling(
        SendOutcome(message.pk, 1, Outcome.REJECTED, failure=Failure.CONTENT),
        SendOutcome(message.pk, 1, Outcome.THROTTLED),
    )

    message.refresh_from_db()
    assert (message.status, message.attempt) == (Status.SENDING, 2)


def test_one_odd_value_of_a_provider_does_not_cost_the_batch(settling: Settle) -> None:
    odd, good = sending(), sending()

    settling(
        SendOutcome(odd.pk, 1, Outcome.REJECTED, code="9" * 500, detail="\x00" * 3 + "x" * 900),
        SendOutcome(good.pk, 1, Outcome.ACCEPTED, provider_message_id="S" * 200),
    )

    odd.refresh_from_db()
    good.refresh_from_db()
    assert (odd.status, good.status) == (Status.FAILED, Status.ACCEPTED)
