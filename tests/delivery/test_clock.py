"""A machine whose clock is an hour off: what it writes and what it judges is told by the database's clock."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from delivery import clock, queue, uncertain
from delivery.claim import Claimed, Connection
from delivery.limiter import Limiter
from delivery.models import InboxReceipt, Message, Provider, Sender
from delivery.providers.base import Answer, Outcome, Question, Receipt, SendOutcome
from delivery.receipts import inbox
from delivery.receipts.reconcile import reconcile_batch
from delivery.runtime import Runtime, connect, runtime
from delivery.settle import settle
from delivery.states import Status
from delivery.submit import submit
from tests.delivery.claiming import claim_some
from tests.factories import MessageFactory, SenderFactory

OnLoop = Callable[[Any], Any]
A_MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[1, -1], ids=["an hour ahead", "an hour behind"])
def wrong_clock(request: pytest.FixtureRequest) -> Iterator[datetime]:
    """This process's clock is wrong; yields what time it is really, as the test begins."""
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=request.param)):
        yield now


@pytest.fixture
def sender(clean_redis: object) -> Sender:
    return SenderFactory()


def near(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and abs(moment - now) < A_MINUTE


def test_the_clock_is_the_databases(wrong_clock: datetime) -> None:
    assert near(clock.now(), wrong_clock)
    assert not near(timezone.now(), wrong_clock)


def test_a_claim_and_its_lease(on_loop: OnLoop, sender: Sender, wrong_clock: datetime) -> None:
    valid = MessageFactory(sender=sender, valid_until=wrong_clock + timedelta(minutes=10))
    late = MessageFactory(sender=sender, valid_until=wrong_clock - timedelta(seconds=1))

    async def work(connection: Connection, limiter: Limiter) -> Claimed:
        return await claim_some(connection, limiter, provider_id=sender.provider_id, rate=100, room=10)

    (outbound,) = on_loop(work).messages

    valid.refresh_from_db()
    late.refresh_from_db()
    assert (outbound.id, late.status) == (valid.pk, Status.EXPIRED)
    assert 500 < outbound.validity_seconds <= 600
    assert near(valid.claimed_at, wrong_clock)
    assert near(valid.lease_until, wrong_clock + timedelta(seconds=30))
    assert uncertain.sweep_leases() == 0, "its worker is alive"


def test_a_lease_that_has_ended_is_swept(sender: Sender, wrong_clock: datetime) -> None:
    MessageFactory(sender=sender, status=Status.SENDING, lease_until=wrong_clock - timedelta(seconds=1))
    assert uncertain.sweep_leases() == 1


def settled(message: Message, outcome: Outcome) -> Message:
    async def work() -> None:
        async with await connect() as connection:
            await settle(connection, [SendOutcome(message.pk, 1, outcome)])

    asyncio.run(work())
    message.refresh_from_db()
    return message


def test_when_to_ask_and_when_to_come_again(sender: Sender, wrong_clock: datetime) -> None:
    throttled, in_doubt = MessageFactory.create_batch(2, sender=sender, status=Status.SENDING)

    assert near(settled(throttled, Outcome.THROTTLED).not_before, wrong_clock)
    assert near(settled(in_doubt, Outcome.UNCERTAIN).ask_at, wrong_clock)


def test_what_is_held_is_queued_in_its_time(sender: Sender, wrong_clock: datetime) -> None:
    due = MessageFactory(sender=sender, status=Status.HELD, not_before=wrong_clock)
    later = submit(recipient="+14155550101", body="Hi", sender=sender, not_before=wrong_clock + timedelta(minutes=30))

    assert queue.promote() == 1

    due.refresh_from_db()
    later.refresh_from_db()
    assert (due.status, later.status) == (Status.QUEUED, Status.HELD)


@pytest.mark.parametrize(("age", "status"), [(30, Status.UNCERTAIN), (300, Status.QUEUED)])
def test_an_absence_is_believed_when_it_is_old_enough(
    sender: Sender, wrong_clock: datetime, age: int, status: Status
) -> None:
    Provider.objects.update(adapter="twilio")
    message = MessageFactory(
        sender=sender,
        status=Status.UNCERTAIN,
        claimed_at=wrong_clock - timedelta(seconds=age),
        ask_at=wrong_clock,
    )

    class Empty:
        async def ask(self, question: Question) -> Answer:
            return Answer(question.message_id, question.attempt, [])

    class Asking(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return Empty()

    assert uncertain.ask(sender.provider_id, runtime=Asking(runtime().runner)) == 1

    message.refresh_from_db()
    assert message.status == status


def test_a_receipt_is_read_at_once(sender: Sender, wrong_clock: datetime) -> None:
    message = MessageFactory(sender=sender, status=Status.ACCEPTED)
    receipt = Receipt("SM1", Status.DELIVERED, message_id=UUID(str(message.pk)), attempt=1)

    async def work() -> None:
        async with await connect() as connection:
            await inbox.append(connection, [(sender.provider_id, receipt)])

    asyncio.run(work())

    assert near(InboxReceipt.objects.get().received_at, wrong_clock)
    assert reconcile_batch() == 1
    message.refresh_from_db()
    assert message.status == Status.DELIVERED
    assert near(message.final_at, wrong_clock)
