"""Receipts: any order, any repetition, early, late and unknown ones end in the same truth."""

import random
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Suppression
from delivery import tallies
from delivery.lanes import Lane
from delivery.models import InboxReceipt, Message, MessageEvent
from delivery.receipts.reconcile import TRIES, reconcile_batch
from delivery.states import RANK, Status
from tests.factories import InboxReceiptFactory, MessageFactory, SenderFactory

pytestmark = pytest.mark.django_db

RECEIVED = [Status.ACCEPTED, Status.SENT, Status.FAILED, Status.UNDELIVERED, Status.DELIVERED, Status.READ]


def receive(message: Message, status: Status, **fields: object) -> None:
    InboxReceiptFactory(
        provider=message.provider,
        message_id=message.pk,
        provider_message_id=f"SM{message.pk.hex}",
        status=status,
        **fields,
    )


def reconcile() -> None:
    while reconcile_batch():
        pass


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evidence=st.lists(st.sampled_from(RECEIVED), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_any_order_and_repetition_of_receipts_ends_in_the_highest(evidence: list[Status], seed: int) -> None:
    sender = SenderFactory()
    in_order = MessageFactory(sender=sender, status=Status.SENDING)
    shuffled = MessageFactory(sender=sender, status=Status.SENDING)

    for status in evidence:
        receive(in_order, status)
        reconcile()
    doubled = evidence * 2
    random.Random(seed).shuffle(doubled)
    for status in doubled:
        receive(shuffled, status)
    reconcile()

    in_order.refresh_from_db()
    shuffled.refresh_from_db()
    assert in_order.status == shuffled.status == max(evidence, key=RANK.__getitem__)
    # Each distinct receipt is one line of the timeline, however often it came.
    assert in_order.events.count() == shuffled.events.count() == len(set(evidence))


def test_a_receipt_binds_the_providers_id_that_a_lost_answer_never_told() -> None:
    message = MessageFactory(status=Status.UNCERTAIN)
    receive(message, Status.DELIVERED)

    reconcile()

    message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.DELIVERED, f"SM{message.pk.hex}")
    assert message.final_at is not None
    assert message.ask_at is None


def test_a_receipt_without_our_id_finds_its_message_by_the_providers() -> None:
    message = MessageFactory(status=Status.ACCEPTED, provider_message_id="SM1")
    InboxReceiptFactory(provider=message.provider, provider_message_id="SM1", attempt=0, status=Status.DELIVERED)

    reconcile()

    message.refresh_from_db()
    assert message.status == Status.DELIVERED


def test_a_receipt_that_matches_nothing_waits_and_is_tried_again() -> None:
    receipt = InboxReceiptFactory(provider_message_id="SM-later", attempt=0)
    reconcile()
    receipt.refresh_from_db()
    assert receipt.tries == 1
    assert receipt.try_at > timezone.now()

    message = MessageFactory(sender=SenderFactory(provider=receipt.provider), provider_message_id="SM-later")
    InboxReceipt.objects.update(try_at=timezone.now())
    reconcile()

    message.refresh_from_db()
    assert message.status == Status.DELIVERED
    assert not InboxReceipt.objects.exists()


def test_a_receipt_that_never_matches_is_dropped_at_last() -> None:
    InboxReceiptFactory(attempt=0, tries=TRIES)
    reconcile()
    assert not InboxReceipt.objects.exists()


def test_a_receipt_for_a_message_that_is_gone_hurts_nobody() -> None:
    other = MessageFactory(status=Status.ACCEPTED)
    InboxReceiptFactory(provider=other.provider, message_id=uuid4())
    receive(other, Status.DELIVERED)

    reconcile()

    other.refresh_from_db()
    assert other.status == Status.DELIVERED
    assert not InboxReceipt.objects.exists()


def test_delivered_clears_the_failure_that_came_before_it() -> None:
    message = MessageFactory(status=Status.ACCEPTED, lane=Lane.BULK)
    receive(message, Status.UNDELIVERED, reason="unreachable", code="30003")
    reconcile()
    message.refresh_from_db()
    assert (message.status, message.reason, message.error_code) == (Status.UNDELIVERED, "unreachable", "30003")

    receive(message, Status.DELIVERED)
    reconcile()
    message.refresh_from_db()
    assert (message.status, message.reason, message.error_code) == (Status.DELIVERED, "", "")


def test_tallies_equal_the_rows_after_every_batch() -> None:
    sender = SenderFactory()
    messages = [
        MessageFactory(sender=sender, campaign_id=7, contact_id=n, status=Status.ACCEPTED, segments=2)
        for n in range(20)
    ]
    for n, message in enumerate(messages):
        receive(message, Status.SENT)
        receive(message, Status.DELIVERED if n % 3 else Status.UNDELIVERED, reason="" if n % 3 else "blocked")

    reconcile()
    before = tallies.counts([7])
    tallies.squash(keep=1)

    assert before == tallies.counts([7])
    counted = {(count.status, count.reason): (count.messages, count.segments) for count in before}
    assert counted == {("delivered", ""): (13, 26), ("undelivered", "blocked"): (7, 14)}


def test_an_opt_out_at_the_carrier_is_honoured_here() -> None:
    message = MessageFactory(status=Status.ACCEPTED)
    receive(message, Status.FAILED, reason="opted_out", code="21610")

    reconcile()

    suppression = Suppression.objects.get(phone=message.recipient)
    assert suppression.reason == Suppression.Reason.OPTED_OUT
    assert "21610" in suppression.evidence


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size() -> None:
    sender = SenderFactory()

    def queries(count: int) -> int:
        for _ in range(count):
            receive(MessageFactory(sender=sender, status=Status.ACCEPTED), Status.DELIVERED)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            reconcile_batch()
        return len(captured)

    assert queries(2) == queries(60)


def test_a_receipt_not_yet_due_is_left_alone() -> None:
    InboxReceiptFactory(attempt=0, try_at=timezone.now() + timedelta(minutes=1))
    assert reconcile_batch() == 0
    assert MessageEvent.objects.count() == 0
