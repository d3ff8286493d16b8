"""In doubt: leases that end, questions to the provider, and what is concluded from its answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from delivery import uncertain
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Attempt, Message
from delivery.providers.base import Answer, CannotAsk, OutboundMessage, Question, Receipt, SendOutcome
from delivery.runtime import Runtime, runtime
from delivery.states import Status
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db


@dataclass
class Provider:
    """A provider whose memory the test decides."""

    memory: Sequence[Receipt] | None

    async def send(self, message: OutboundMessage) -> SendOutcome:
        raise AssertionError("Asking sends nothing")

    async def ask(self, question: Question) -> Answer:
        if self.memory is None:
            raise CannotAsk("down")
        return Answer(question.message_id, question.attempt, self.memory)

    async def close(self) -> None:
        return None


def ask(message: Message, memory: Iterable[Receipt] | None) -> Message:
    """Put the question that is due to a provider which remembers `memory`; None: it cannot be asked."""

    class Remembering(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return Provider(None if memory is None else list(memory))

    assert message.provider_id
    uncertain.ask(message.provider_id, runtime=Remembering(runtime().runner))
    message.refresh_from_db()
    return message


def doubtful(*, age: float = 1000, **fields: Any) -> Message:
    now = timezone.now()
    fields = {
        "sender__provider__adapter": "twilio",
        "status": Status.UNCERTAIN,
        "claimed_at": now - timedelta(seconds=age),
        "ask_at": now,
    } | fields
    return MessageFactory(**fields)


def test_a_lease_that_ended_makes_a_message_uncertain_and_nothing_else() -> None:
    ended = MessageFactory(status=Status.SENDING, lease_until=timezone.now() - timedelta(seconds=1))
    held = MessageFactory(status=Status.SENDING, lease_until=timezone.now() + timedelta(seconds=60))
    old = MessageFactory(status=Status.QUEUED, created_at=timezone.now() - timedelta(days=9))

    assert uncertain.sweep_leases() == 1

    statuses = [Message.objects.get(pk=message.pk).status for message in (ended, held, old)]
    assert statuses == [Status.UNCERTAIN, Status.SENDING, Status.QUEUED]
    assert ended.events.get().detail


def test_what_the_provider_has_is_bound_and_not_sent_again() -> None:
    message = ask(doubtful(), [Receipt("SM9", Status.SENT)])
    assert (message.status, message.provider_message_id, message.attempt) == (Status.SENT, "SM9", 1)


def test_what_the_provider_never_had_is_tried_again_as_a_new_attempt() -> None:
    message = ask(doubtful(), [])
    assert (message.status, message.attempt) == (Status.QUEUED, 2)
    assert message.events.get().detail == "The provider never had it."


def test_absence_is_not_believed_too_soon(settings: LazySettings) -> None:
    message = ask(doubtful(age=settings.BELIEVE_ABSENCE_AFTER_SECONDS - 5), [])
    assert (message.status, message.attempt) == (Status.UNCERTAIN, 1)
    assert message.ask_at is not None
    assert message.ask_at > timezone.now()


def test_a_provider_that_cannot_be_asked_changes_nothing() -> None:
    message = ask(doubtful(), None)
    assert (message.status, message.attempt) == (Status.UNCERTAIN, 1)


def test_a_text_that_is_bound_to_another_message_is_not_this_one() -> None:
    other = doubtful(status=Status.DELIVERED, provider_message_id="SM-other", ask_at=None)
    message = doubtful(sender=other.sender)

    ask(message, [Receipt("SM-other", Status.DELIVERED)])

    assert (message.status, message.attempt) == (Status.QUEUED, 2)


def test_two_alike_messages_in_doubt_are_bound_to_different_texts() -> None:
    first = doubtful()
    second = doubtful(sender=first.sender)

    ask(first, [Receipt("SM-a", Status.SENT), Receipt("SM-b", Status.DELIVERED)])

    second.refresh_from_db()
    assert {first.provider_message_id, second.provider_message_id} == {"SM-a", "SM-b"}


def test_a_receipt_that_was_lost_is_made_up_for_by_asking() -> None:
    message = doubtful(status=Status.SENT, provider_message_id="SM1", lane=Lane.BULK)
    ask(message, [Receipt("SM1", Status.UNDELIVERED, failure=Failure.UNREACHABLE, code="30003")])
    assert (message.status, message.reason, message.error_code) == (Status.UNDELIVERED, "unreachable", "30003")


def test_an_accepted_message_is_never_sent_again_even_if_the_provider_forgot_it() -> None:
    message = ask(doubtful(status=Status.ACCEPTED, provider_message_id="SM1"), [])
    assert (message.status, message.attempt) == (Status.ACCEPTED, 1)


def test_a_message_that_vanishes_again_and_again_is_given_up() -> None:
    message = ask(doubtful(attempt=uncertain.MAX_ATTEMPTS), [])
    assert message.status == Status.FAILED
    assert message.final_at is not None


def test_a_message_without_a_final_receipt_is_closed_at_last(settings: LazySettings) -> None:
    ancient = doubtful(status=Status.SENT, age=settings.GIVE_UP_AFTER_SECONDS + 10)
    recent = doubtful(status=Status.SENT)

    assert uncertain.give_up() == 1

    ancient.refresh_from_db()
    recent.refresh_from_db()
    assert (ancient.status, ancient.reason) == (Status.EXPIRED, Failure.NO_RECEIPT)
    assert recent.status == Status.SENT


def test_the_text_of_an_attempt_that_failed_is_not_that_of_the_one_in_doubt() -> None:
    message = doubtful(attempt=2)
    Attempt.objects.create(
        message=message,
        number=1,
        provider=message.provider,
        provider_message_id="SM1",
        status=Status.UNDELIVERED,
        ended_at=timezone.now(),
    )

    ask(message, [Receipt("SM1", Status.UNDELIVERED)])

    assert (message.status, message.attempt) == (Status.QUEUED, 3)
