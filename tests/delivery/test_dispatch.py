"""The dispatch loop against providers that answer as the test decides."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heapify
from time import monotonic
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from contacts.models import Suppression
from delivery.dispatch import Dispatch, dispatch
from delivery.errors import Failure
from delivery.ids import ANYTIME
from delivery.lanes import Lane
from delivery.models import Message, Provider, Sender, new_message_id
from delivery.providers.base import Answer, OutboundMessage, Outcome, Question, SendOutcome
from delivery.runtime import Runtime, runtime
from delivery.states import Status
from delivery.window import Window
from tests.factories import MessageFactory, SenderFactory

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[[OutboundMessage], SendOutcome]


class Answering:
    def __init__(self, send: Send) -> None:
        self._send = send

    async def send(self, message: OutboundMessage) -> SendOutcome:
        return self._send(message)

    async def ask(self, question: Question) -> Answer:
        raise AssertionError("Dispatch asks nothing")

    async def close(self) -> None:
        return None


def run(provider: Provider, answers: Send | Answering) -> int:
    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return answers if isinstance(answers, Answering) else Answering(answers)

    return dispatch(provider.pk, runtime=Fixed(runtime().runner), seconds=2)


def accept(message: OutboundMessage) -> SendOutcome:
    return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=f"SM{message.id.hex}")


def outbound(lane: Lane) -> OutboundMessage:
    return OutboundMessage(new_message_id(), 1, "+14155550123", "12345", "Hi", 1, "gsm7", "", lane=lane)


def statuses() -> set[str]:
    return set(Message.objects.values_list("status", flat=True))


@pytest.fixture
def sender(clean_redis: Any) -> Sender:
    return SenderFactory()


def test_everything_queued_is_handed_over_once(sender: Sender) -> None:
    MessageFactory.create_batch(30, sender=sender)
    sent: list[Any] = []

    def send(message: OutboundMessage) -> SendOutcome:
        sent.append(message.id)
        return accept(message)

    assert run(sender.provider, send) == 30
    assert len(sent) == len(set(sent)) == 30
    assert statuses() == {Status.ACCEPTED}


def test_an_adapter_that_raises_leaves_its_message_in_doubt_and_the_others_alone(sender: Sender) -> None:
    bad, good = MessageFactory.create_batch(2, sender=sender)

    def send(message: OutboundMessage) -> SendOutcome:
        if message.id == bad.pk:
            raise RuntimeError("a fault of the adapter")
        return accept(message)

    run(sender.provider, send)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == (Status.UNCERTAIN, Status.ACCEPTED)


def test_a_provider_that_refuses_the_account_is_switched_off_and_nothing_is_lost(sender: Sender) -> None:
    MessageFactory.create_batch(300, sender=sender)

    def refuse(message: OutboundMessage) -> SendOutcome:
        return SendOutcome(message.id, message.attempt, Outcome.THROTTLED, failure=Failure.ACCOUNT, code="20003")

    run(sender.provider, refuse)

    provider = Provider.objects.get()
    assert not provider.enabled
    assert "20003" in provider.disabled_reason
    assert statuses() <= {Status.QUEUED, Status.HELD}


def test_a_sender_that_is_refused_costs_a_few_messages_and_not_the_campaign(sender: Sender) -> None:
    MessageFactory.create_batch(300, sender=sender)

    def refuse(message: OutboundMessage) -> SendOutcome:
        return SendOutcome(message.id, message.attempt, Outcome.REJECTED, failure=Failure.SENDER, code="21606")

    run(sender.provider, refuse)

    sender.refresh_from_db()
    assert not sender.enabled
    assert "21606" in sender.disabled_reason
    assert Message.objects.filter(status=Status.QUEUED).count() >= 200


@contextmanager
def aside() -> Iterator["psycopg.Connection[Any]"]:
    """A connection beside those of the hub, for what happens to the database."""
    ours = connection.settings_dict
    where = {"host": ours["HOST"], "port": ours["PORT"], "dbname": ours["NAME"]}
    who = {"user": ours["USER"], "password": ours["PASSWORD"], "options": "-c default_transaction_read_only=off"}
    with psycopg.connect(**where, **who, autocommit=True) as other:
        yield other


def cut_everybody_off(other: "psycopg.Connection[Any]") -> None:
    other.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def set_read_only(other: "psycopg.Connection[Any]", how: str) -> None:
    """For sessions to come: as if another server had taken over, or this one had not enough room."""
    other.execute(f'ALTER DATABASE "{other.info.dbname}" SET default_transaction_read_only = {how}')


def test_what_was_answered_while_the_database_took_no_writes_is_settled_when_it_does(sender: Sender) -> None:
    MessageFactory.create_batch(3, sender=sender)
    attempts: list[int] = []

    with aside() as other:

        def send(message: OutboundMessage) -> SendOutcome:
            if not attempts:
                set_read_only(other, "on")
                cut_everybody_off(other)
            attempts.append(1)
            return accept(message)

        back = threading.Timer(1.5, set_read_only, [other, "off"])
        back.start()
        try:
            assert run(sender.provider, send) == 3
        finally:
            back.join()
            connection.close()

    assert len(attempts) == 3
    assert statuses() == {Status.ACCEPTED}


def test_who_said_stop_to_the_provider_is_suppressed_although_all_connections_were_cut(sender: Sender) -> None:
    first, second = MessageFactory.create_batch(2, sender=sender)

    def opted_out(message: OutboundMessage) -> SendOutcome:
        return SendOutcome(message.id, 1, Outcome.REJECTED, failure=Failure.OPTED_OUT, code="21610")

    Message.objects.filter(pk=second.pk).update(status=Status.HELD)
    run(sender.provider, opted_out)
    Message.objects.filter(pk=second.pk).update(status=Status.QUEUED)
    with aside() as other:
        # Also the one that an earlier run has left in the thread that writes suppressions.
        cut_everybody_off(other)
    connection.close()
    run(sender.provider, opted_out)

    stopped = {first.recipient, second.recipient}
    assert set(Suppression.objects.values_list("phone", flat=True)) == stopped


def test_a_provider_that_is_switched_off_sends_nothing(sender: Sender) -> None:
    MessageFactory(sender=sender)
    Provider.objects.update(enabled=False)

    assert run(sender.provider, accept) == 0
    assert statuses() == {Status.QUEUED}


def test_while_nothing_is_answered_no_more_is_claimed_than_may_be_open(sender: Sender) -> None:
    """Its tokens would be of a time long past when the provider goes on."""
    Provider.objects.update(max_in_flight=20)
    MessageFactory.create_batch(60, sender=sender)
    claimed: list[int] = []

    class Stuck(Answering):
        async def send(self, message: OutboundMessage) -> SendOutcome:
            await asyncio.sleep(0.3)
            claimed.append(await sync_to_async(Message.objects.filter(status=Status.SENDING).count)())
            return accept(message)

    run(sender.provider, Stuck(accept))

    assert claimed[0] <= 20
    assert statuses() == {Status.ACCEPTED}


def test_of_what_is_claimed_the_most_urgent_goes_first(sender: Sender) -> None:
    sent: list[Lane] = []

    class Noting(Answering):
        async def send(self, message: OutboundMessage) -> SendOutcome:
            sent.append(message.lane)
            return accept(message)

    async def two_at_a_window_of_one() -> None:
        run = Dispatch(sender.provider, runtime(), Noting(accept), Window(most=1), ANYTIME)
        for number, lane in enumerate([Lane.BULK, Lane.BULK, Lane.ALERT]):
            run.ready.append((lane, number, outbound(lane), monotonic() + 60))
        heapify(run.ready)
        run._open_requests()
        while run.held:
            await asyncio.sleep(0)

    runtime().run(two_at_a_window_of_one())

    assert sent == [Lane.ALERT, Lane.BULK, Lane.BULK]


def test_the_window_halves_when_throttled_and_grows_back_to_its_bound() -> None:
    window = Window(most=100)
    window.learn([SendOutcome(MessageFactory.build().id, 1, Outcome.THROTTLED)])
    assert window.size == 50
    window.learn([SendOutcome(MessageFactory.build().id, 1, Outcome.THROTTLED)])
    assert window.size == 50, "at most once a second"
    for _ in range(200):
        window.learn([SendOutcome(MessageFactory.build().id, 1, Outcome.ACCEPTED)])
    assert window.size == 100
