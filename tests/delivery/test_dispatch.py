"""The dispatch loop against providers that answer as the test decides."""

from collections.abc import Callable
from typing import Any

import pytest

from delivery.dispatch import dispatch
from delivery.errors import Failure
from delivery.models import Message, Provider, Sender
from delivery.providers.base import Answer, OutboundMessage, Outcome, Question, SendOutcome
from delivery.runtime import Runtime, runtime
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


def run(provider: Provider, send: Send) -> int:
    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return Answering(send)

    return dispatch(provider.pk, runtime=Fixed(runtime().runner), seconds=2)


def accept(message: OutboundMessage) -> SendOutcome:
    return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=f"SM{message.id.hex}")


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


def test_a_provider_that_is_switched_off_sends_nothing(sender: Sender) -> None:
    MessageFactory(sender=sender)
    Provider.objects.update(enabled=False)

    assert run(sender.provider, accept) == 0
    assert statuses() == {Status.QUEUED}
