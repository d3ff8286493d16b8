"""Trying again: by the table, as a new attempt, never late, and never against the evidence."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Attempt, Message
from delivery.receipts.reconcile import reconcile_batch
from delivery.retries import RETRY_AFTER
from delivery.states import Status
from tests.factories import InboxReceiptFactory, MessageFactory

pytestmark = pytest.mark.django_db


def accepted(**fields: Any) -> Message:
    fields = {"status": Status.ACCEPTED, "provider_message_id": "SM1", "lane": Lane.REMINDER} | fields
    return MessageFactory(**fields)


def receive(message: Message, status: Status, *, attempt: int = 1, **fields: Any) -> Message:
    InboxReceiptFactory(
        provider=message.provider,
        message_id=message.pk,
        attempt=attempt,
        provider_message_id=f"SM{attempt}",
        status=status,
        **fields,
    )
    while reconcile_batch():
        pass
    message.refresh_from_db()
    return message


def fails(message: Message, reason: Failure = Failure.UNREACHABLE, *, attempt: int = 1) -> Message:
    return receive(message, Status.UNDELIVERED, attempt=attempt, reason=reason, code="30003")


def test_a_passing_failure_is_held_for_another_attempt_and_the_first_is_kept() -> None:
    message = fails(accepted())

    assert (message.status, message.attempt, message.final_at) == (Status.HELD, 2, None)
    assert message.reason == Failure.UNREACHABLE, "it says what it waits for"
    delay = RETRY_AFTER[Lane.REMINDER][Failure.UNREACHABLE][0]
    assert message.not_before is not None
    wait = (message.not_before - timezone.now()).total_seconds()
    assert delay - 60 < wait <= delay * 1.25
    first = Attempt.objects.get(message=message)
    assert (first.number, first.provider_message_id, first.status) == (1, "SM1", Status.UNDELIVERED)
    assert {"undelivered", "held"} <= {event.status for event in message.events.all()}


def test_after_as_many_attempts_as_the_table_allows_it_is_final() -> None:
    message = accepted()
    allowed = len(RETRY_AFTER[Lane.REMINDER][Failure.UNREACHABLE])
    for attempt in range(1, allowed + 1):
        message = fails(message, attempt=attempt)
        assert message.status == Status.HELD
        Message.objects.filter(pk=message.pk).update(status=Status.ACCEPTED)

    message = fails(message, attempt=allowed + 1)
    assert message.status == Status.UNDELIVERED
    assert message.final_at is not None
    assert Attempt.objects.filter(message=message).count() == allowed


@pytest.mark.parametrize("reason", [Failure.INVALID_NUMBER, Failure.OPTED_OUT, Failure.BLOCKED, Failure.FILTERED])
def test_a_lasting_failure_is_final_at_once(reason: Failure) -> None:
    assert fails(accepted(), reason).status == Status.UNDELIVERED


def test_bulk_is_not_tried_again_for_a_handset_that_is_off() -> None:
    assert fails(accepted(lane=Lane.BULK)).status == Status.UNDELIVERED


def test_nothing_is_tried_again_that_would_come_too_late() -> None:
    soon = timezone.now() + timedelta(minutes=10)
    assert fails(accepted(valid_until=soon)).status == Status.UNDELIVERED


def test_a_failure_told_after_the_message_was_given_up_does_not_open_it_again(settings: LazySettings) -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.GIVE_UP_AFTER_SECONDS + 60)
    message = accepted(status=Status.EXPIRED, reason="no_receipt", claimed_at=long_ago)
    assert fails(message).status == Status.UNDELIVERED


def test_the_same_failure_told_twice_or_late_does_not_end_the_retry() -> None:
    message = fails(accepted())
    message = fails(message)
    message = receive(message, Status.SENT)
    assert (message.status, message.attempt) == (Status.HELD, 2)


def test_a_delivery_of_the_first_attempt_withdraws_the_second() -> None:
    message = receive(fails(accepted()), Status.DELIVERED)
    assert (message.status, message.reason) == (Status.DELIVERED, "")
    assert message.not_before is None


def test_good_news_about_an_attempt_thought_absent_withdraws_the_next() -> None:
    message = MessageFactory(status=Status.QUEUED, attempt=2)
    assert receive(message, Status.SENT, attempt=1).status == Status.SENT


def test_a_receipt_that_only_knows_the_providers_id_finds_an_earlier_attempt() -> None:
    message = fails(accepted())
    InboxReceiptFactory(provider=message.provider, provider_message_id="SM1", attempt=0, status=Status.DELIVERED)
    reconcile_batch()
    message.refresh_from_db()
    assert message.status == Status.DELIVERED


def test_attempts_are_tallied_as_one_message() -> None:
    from delivery import tallies

    message = fails(accepted(campaign_id=9, contact_id=1))
    assert [(count.status, count.messages) for count in tallies.counts([9])] == [(message.status, 1)]
