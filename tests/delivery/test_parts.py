"""A text that went as several messages of the provider's: one message of ours, with the parts' ids and receipts."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.claim import Connection
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import InboxReceipt, Message, MessagePart, Provider
from delivery.providers.base import Outcome, SendOutcome
from delivery.receipts.reconcile import reconcile_batch
from delivery.settle import settle
from delivery.states import RANK, Status
from tests.factories import InboxReceiptFactory, MessageFactory, SenderFactory

HYPOTHESIS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SAID = [Status.ACCEPTED, Status.SENT, Status.EXPIRED, Status.FAILED, Status.UNDELIVERED, Status.DELIVERED]


def in_parts(number: int, **fields: Any) -> Message:
    """A message that the provider took in parts, known as 1, 2, … of it."""
    message = MessageFactory(
        **{"status": Status.ACCEPTED, "segments": number, "provider_message_id": "part1", "lane": Lane.BULK} | fields
    )
    for place in range(1, number + 1):
        MessagePart.objects.create(
            message=message,
            attempt=message.attempt,
            place=place,
            provider=message.provider,
            provider_message_id=f"part{place}",
            status=Status.ACCEPTED,
            at=timezone.now(),
        )
    return message


def hear(provider: Provider, place: int, status: Status, **fields: Any) -> None:
    InboxReceiptFactory(provider=provider, provider_message_id=f"part{place}", attempt=0, status=status, **fields)


def reconcile() -> None:
    while reconcile_batch():
        pass


def statuses(message: Message) -> list[str]:
    return list(message.parts.order_by("place").values_list("status", flat=True))


@pytest.mark.django_db
def test_it_is_delivered_when_the_last_of_its_parts_is() -> None:
    message = in_parts(3)

    for place in (3, 1):
        hear(message.provider, place, Status.DELIVERED)
        reconcile()
    message.refresh_from_db()
    assert (message.status, message.final_at) == (Status.SENT, None)

    hear(message.provider, 2, Status.DELIVERED)
    reconcile()
    message.refresh_from_db()
    assert message.status == Status.DELIVERED
    assert message.provider_message_id == "part1"


@pytest.mark.django_db
def test_it_is_undelivered_when_one_part_is_and_says_which() -> None:
    message = in_parts(3)
    hear(message.provider, 1, Status.DELIVERED)
    hear(message.provider, 2, Status.UNDELIVERED, reason="unreachable", code="DELIVRD:27")

    reconcile()

    message.refresh_from_db()
    assert (message.status, message.reason, message.error_code) == (Status.UNDELIVERED, "unreachable", "DELIVRD:27")
    assert statuses(message) == [Status.DELIVERED, Status.UNDELIVERED, Status.ACCEPTED]
    assert [event.detail for event in message.events.filter(status=Status.UNDELIVERED)] == ["Part 2 of 3."]


@pytest.mark.django_db
def test_what_arrived_in_part_is_not_tried_again() -> None:
    whole = MessageFactory(status=Status.ACCEPTED, segments=2, provider_message_id="whole")
    broken = in_parts(2, sender=whole.sender, lane=Lane.TRANSACTIONAL)
    hear(whole.provider, 1, Status.DELIVERED)
    for known_as in ("whole", "part2"):
        InboxReceiptFactory(
            provider=whole.provider, provider_message_id=known_as, attempt=0, status="undelivered", reason="carrier"
        )

    reconcile()

    whole.refresh_from_db()
    broken.refresh_from_db()
    assert (whole.status, whole.attempt) == (Status.HELD, 2), "a whole one is, at another time"
    assert (broken.status, broken.attempt) == (Status.UNDELIVERED, 1)


@pytest.mark.django_db
@HYPOTHESIS
@given(
    heard=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(SAID)), min_size=1, max_size=9),
    seed=st.integers(0, 1000),
    cut=st.integers(1, 4),
)
def test_any_order_and_repetition_of_parts_receipts_ends_in_the_same(
    heard: Sequence[tuple[int, Status]], seed: int, cut: int
) -> None:
    one, other = in_parts(3), in_parts(3)
    for place, status in heard:
        hear(one.provider, place, status)
    reconcile()

    doubled = [*heard, *heard]
    random.Random(seed).shuffle(doubled)
    for number, (place, status) in enumerate(doubled):
        hear(other.provider, place, status)
        if number % cut == 0:
            reconcile()
    reconcile()

    one.refresh_from_db()
    other.refresh_from_db()
    assert one.status == other.status
    assert statuses(one) == statuses(other)
    failures = [status for _, status in heard if status in (Status.EXPIRED, Status.FAILED, Status.UNDELIVERED)]
    if set(statuses(one)) == {Status.DELIVERED}:
        assert one.status == Status.DELIVERED
    elif failures:
        assert one.status == max(failures, key=RANK.__getitem__)
    else:
        assert one.status in (Status.ACCEPTED, Status.SENT)
    assert not InboxReceipt.objects.exists()


@pytest.mark.django_db
def test_a_part_without_an_id_keeps_it_from_being_delivered() -> None:
    message = in_parts(2, status=Status.UNCERTAIN)
    message.parts.filter(place=2).update(provider_message_id="")
    hear(message.provider, 1, Status.DELIVERED)

    reconcile()

    message.refresh_from_db()
    assert message.status == Status.SENT


@pytest.mark.django_db
def test_a_receipt_quicker_than_the_answer_to_its_own_part_waits() -> None:
    sender = SenderFactory()
    hear(sender.provider, 2, Status.DELIVERED)
    reconcile()
    assert InboxReceipt.objects.get().tries == 1

    message = in_parts(2, sender=sender)
    InboxReceipt.objects.update(try_at=timezone.now())
    hear(sender.provider, 1, Status.DELIVERED)
    reconcile()

    message.refresh_from_db()
    assert message.status == Status.DELIVERED


@pytest.mark.django_db
def test_parts_of_an_earlier_attempt_count_for_that() -> None:
    message = in_parts(2)
    Message.objects.filter(pk=message.pk).update(attempt=2, status=Status.ACCEPTED, provider_message_id="second")
    hear(message.provider, 2, Status.FAILED, reason="carrier")

    reconcile()
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED

    hear(message.provider, 1, Status.DELIVERED)
    hear(message.provider, 2, Status.DELIVERED)
    reconcile()
    message.refresh_from_db()
    assert message.status == Status.DELIVERED, "it reached somebody, whatever became of the later one"


@pytest.mark.django_db
def test_messages_of_one_part_cost_no_query_more() -> None:
    sender = SenderFactory()

    def queries(**fields: Any) -> int:
        MessageFactory(sender=sender, status=Status.ACCEPTED, provider_message_id="one", **fields)
        InboxReceiptFactory(provider=sender.provider, provider_message_id="one", attempt=0)
        with CaptureQueriesContext(connection) as captured:
            reconcile_batch()
        Message.objects.all().delete()
        return len([query for query in captured if "delivery_messagepart AS part" in query["sql"]])

    assert queries(segments=1) == 0


def test_settling_keeps_the_parts_with_the_message(on_loop: Callable[[Any], Any]) -> None:
    several, one = (MessageFactory(status=Status.SENDING, segments=n, claimed_at=timezone.now()) for n in (3, 1))
    outcomes = [
        SendOutcome(several.pk, 1, Outcome.ACCEPTED, provider_message_id="a", part_ids=("a", "b", "c")),
        SendOutcome(one.pk, 1, Outcome.ACCEPTED, provider_message_id="d", part_ids=("d",)),
    ]

    async def work(connection: Connection, _: Limiter) -> None:
        for _ in range(2):
            await settle(connection, outcomes, provider_id=several.provider_id)

    on_loop(work)

    assert list(several.parts.order_by("place").values_list("place", "provider_message_id", "status", "provider")) == [
        (place, known_as, "accepted", several.provider_id) for place, known_as in enumerate("abc", start=1)
    ]
    assert not one.parts.exists()


def test_what_was_taken_in_part_and_then_refused_goes_by_no_other_route(on_loop: Callable[[Any], Any]) -> None:
    message = MessageFactory(status=Status.SENDING, segments=2, routed=True, claimed_at=timezone.now())
    outcome = SendOutcome(
        message.pk,
        1,
        Outcome.REJECTED,
        failure=Failure.CARRIER,
        provider_message_id="a",
        part_ids=("a", ""),
    )

    async def work(connection: Connection, _: Limiter) -> None:
        await settle(connection, [outcome], provider_id=message.provider_id)

    on_loop(work)

    message.refresh_from_db()
    assert (message.status, message.attempt) == (Status.FAILED, 1)
