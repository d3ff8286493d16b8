"""The dispatch loop against providers that answer as the test decides."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest
import redis.asyncio
from django.conf import settings
from django.db import connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from contacts.models import Suppression
from delivery import slowing
from delivery.dispatch import dispatch
from delivery.errors import Failure
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.limiter import Limiter, account_bucket, shares_key
from delivery.models import Message, Provider, Sender
from delivery.providers.base import Answer, OutboundMessage, Outcome, Question, SendOutcome, Slows
from delivery.runtime import Runtime, in_thread, runtime
from delivery.sending import Sending
from delivery.states import Status
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


def run(provider: Provider, answers: Send | Answering, *, seconds: float = 2) -> int:
    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return answers if isinstance(answers, Answering) else Answering(answers)

    return dispatch(provider.pk, runtime=Fixed(runtime().runner), seconds=seconds)


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


def take_no_writes(other: "psycopg.Connection[Any]") -> None:
    """For sessions to come: as if another server had taken over, or this one had not enough room."""
    other.execute(f'ALTER DATABASE "{other.info.dbname}" SET default_transaction_read_only = on')


def take_writes_again(other: "psycopg.Connection[Any]") -> None:
    other.execute(f'ALTER DATABASE "{other.info.dbname}" RESET default_transaction_read_only')


def test_what_was_answered_while_the_database_took_no_writes_is_settled_when_it_does(sender: Sender) -> None:
    MessageFactory.create_batch(3, sender=sender)
    attempts: list[int] = []

    with aside() as other:

        def send(message: OutboundMessage) -> SendOutcome:
            if not attempts:
                take_no_writes(other)
                cut_everybody_off(other)
            attempts.append(1)
            return accept(message)

        back = threading.Timer(1.5, take_writes_again, [other])
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
            claimed.append(await in_thread(Message.objects.filter(status=Status.SENDING).count))
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

    async def three_with_room_for_one() -> None:
        sending = Sending(Noting(accept))
        sending.add([outbound(Lane.BULK), outbound(Lane.BULK), outbound(Lane.ALERT)], lease_ends=monotonic() + 60)
        assert sending.held == 3
        sending.may_open = (1, 1)
        sending.add([], lease_ends=0)
        while sending.held:
            await asyncio.sleep(0)

    runtime().run(three_with_room_for_one())

    assert sent == [Lane.ALERT, Lane.BULK, Lane.BULK]


# --- when others wait, and when the limiter is away ----------------------------------------------------------------


@pytest.fixture
def waiting_provider(clean_redis: Any) -> Iterator[Provider]:
    """Another provider whose wake-up nobody has heard."""
    provider = SenderFactory().provider
    key = f"{settings.REDIS_PREFIX}wake:delivery.tasks.dispatch:{provider.pk}"
    clean_redis.set(key, 1)
    yield provider
    clean_redis.delete(key)


def test_a_run_ends_after_a_moment_when_another_provider_waits_for_a_worker(
    sender: Sender, waiting_provider: Provider
) -> None:
    MessageFactory.create_batch(200, sender=sender)
    Provider.objects.filter(pk=sender.provider_id).update(rate=40)

    sent = run(sender.provider, accept, seconds=60)

    assert 0 < sent < 200


def test_a_run_goes_on_when_somebody_else_sends_for_the_other_provider(
    sender: Sender, waiting_provider: Provider, clean_redis: Any
) -> None:
    MessageFactory.create_batch(40, sender=sender)
    Provider.objects.filter(pk=sender.provider_id).update(rate=40)
    clean_redis.hset(shares_key(account_bucket(waiting_provider.pk, 0).name), "elsewhere", "1 1")

    assert run(sender.provider, accept, seconds=60) == 40


@pytest.mark.parametrize(("waits", "left"), [(True, 1), (False, 0)], ids=["another waits", "nobody waits"])
def test_one_late_answer_keeps_neither_the_urgent_waiting_nor_the_others_if_nobody_else_needs_the_worker(
    sender: Sender, clean_redis: Any, request: pytest.FixtureRequest, waits: bool, left: int
) -> None:
    if waits:
        request.getfixturevalue("waiting_provider")
    late = MessageFactory(sender=sender, lane=Lane.BULK)
    sent: list[Any] = []

    class Late(Answering):
        async def send(self, message: OutboundMessage) -> SendOutcome:
            sent.append(message.id)
            if message.id == late.pk:
                await asyncio.sleep(1)  # the run is over by now
                await in_thread(MessageFactory, sender=sender, lane=Lane.BULK)
                alert = await in_thread(MessageFactory, sender=sender, lane=Lane.ALERT)
                while alert.pk not in sent:
                    await asyncio.sleep(0.01)
            return accept(message)

    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return Late(accept)

    dispatch(sender.provider_id, runtime=Fixed(runtime().runner), seconds=0.7)

    assert Message.objects.filter(status=Status.QUEUED, lane=Lane.BULK).count() == left
    assert Message.objects.filter(status=Status.ACCEPTED).count() == 3 - left


class Away(Limiter):
    """A limiter on a port where nobody listens, so often; then the real one."""

    def __init__(self, times: float) -> None:
        super().__init__(redis.asyncio.Redis(port=1, retry=Retry(NoBackoff(), 0)))
        self.times, self.asked = times, 0

    async def take(self, *arguments: Any, **options: Any) -> Any:
        self.asked += 1
        if self.asked <= self.times:
            return await super().take(*arguments, **options)
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        try:
            return await Limiter(client).take(*arguments, **options)
        finally:
            await client.aclose()


def run_with(limiter: Limiter, provider: Provider, *, seconds: float) -> int:
    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return Answering(accept)

        async def limiter(self) -> Limiter:
            return limiter

    return dispatch(provider.pk, runtime=Fixed(runtime().runner), seconds=seconds)


def test_without_the_limiter_nothing_is_claimed_nothing_is_lost_and_nobody_asks_without_end(sender: Sender) -> None:
    MessageFactory.create_batch(20, sender=sender)
    limiter = Away(times=float("inf"))

    assert run_with(limiter, sender.provider, seconds=1.5) == 0

    assert statuses() == {Status.QUEUED}
    # Each second for a claim, and to keep a share that it has not: it is no busy loop.
    assert limiter.asked <= 5


def test_it_goes_on_by_itself_when_the_limiter_is_back(sender: Sender) -> None:
    MessageFactory.create_batch(20, sender=sender)

    assert run_with(Away(times=1), sender.provider, seconds=10) == 20
    assert statuses() == {Status.ACCEPTED}


def test_what_the_provider_says_is_too_fast_slows_the_limit_that_it_names_and_no_other(sender: Sender) -> None:
    MessageFactory.create_batch(10, sender=sender)

    def refuse(message: OutboundMessage) -> SendOutcome:
        return SendOutcome(
            message.id,
            message.attempt,
            Outcome.THROTTLED,
            failure=Failure.THROTTLED,
            code="21611",
            retry_after=600.0,
            slows=Slows.SENDER,
        )

    run(sender.provider, refuse)

    assert [(slowed.limit, slowed.code) for slowed in slowing.slowed(sender.provider_id)] == [
        (f"sender:{sender.pk}", "21611")
    ]


def test_throttling_that_blames_no_limit_slows_nothing(sender: Sender) -> None:
    MessageFactory.create_batch(10, sender=sender)
    run(sender.provider, lambda message: SendOutcome(message.id, message.attempt, Outcome.THROTTLED, retry_after=600.0))
    assert slowing.slowed(sender.provider_id) == []


def test_when_a_run_ends_its_share_of_the_requests_is_free(sender: Sender, clean_redis: Any) -> None:
    MessageFactory(sender=sender)
    run(sender.provider, accept)
    assert not clean_redis.exists(shares_key(account_bucket(sender.provider_id, 0).name))
