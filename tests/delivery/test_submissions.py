"""Messages handed in for word: once each by their reference, and word of whatever ends them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import submissions, words
from delivery.ids import first_id
from delivery.models import Message, Submission
from delivery.models import Word as WordRow
from delivery.receipts.evidence import Evidence, apply
from delivery.runtime import connect
from delivery.states import Status
from delivery.submissions import Handed, take
from delivery.submit import BadText, Draft, NoWay, cancel
from tests.factories import DefaultSenderFactory, MessageFactory, SenderFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


def handed(recipient: str = "+14155550100", body: str = "Hi", reference: bytes | None = None, **more: Any) -> Handed:
    return Handed(
        origin=more.pop("origin", 7),
        draft=Draft(recipient, body, **more),
        wants_word=True,
        reference=None if reference is None else submissions.digest(reference, body.encode()),
        said='{"to": "x"}',
    )


def end(message_id: object, status: Status = Status.DELIVERED) -> None:
    assert isinstance(message_id, UUID)
    apply([Evidence(message_id, 1, "SM1", status, "", "", timezone.now(), "receipt")])


def owed() -> list[tuple[int, UUID, int]]:
    return list(WordRow.objects.order_by("origin", "subject").values_list("origin", "subject", "version"))


def test_a_batch_is_queued_with_the_ids_that_it_is_answered_with() -> None:
    sender = DefaultSenderFactory()

    taken = take([handed(f"+1415555010{n}") for n in range(3)])

    messages = Message.objects.filter(pk__in=[id for id in taken.results if isinstance(id, UUID)])
    assert {(message.status, message.provider_id) for message in messages} == {("queued", sender.provider_id)}
    assert (messages.count(), taken.wake) == (3, {sender.provider_id})


def test_a_batch_costs_as_many_queries_as_one_message() -> None:
    DefaultSenderFactory()

    def queries(number: int) -> int:
        batch = [handed(f"+1415{5550000 + n}", reference=f"{number}.{n}".encode()) for n in range(number)]
        with CaptureQueriesContext(connection) as captured:
            take(batch)
        return len(captured)

    take([handed()])
    assert queries(1) == queries(40)


def test_one_that_cannot_be_sent_costs_the_others_nothing() -> None:
    DefaultSenderFactory()
    off = SenderFactory(enabled=False)

    results = take([handed(body="x" * 1601), handed(sender=off), handed()]).results

    assert [type(result) for result in results[:2]] == [BadText, NoWay]
    assert Message.objects.get().pk == results[2]
    assert Submission.objects.get().pk == results[2]


def test_the_same_reference_and_text_is_the_same_message() -> None:
    DefaultSenderFactory()

    (first,) = take([handed(reference=b"1")]).results
    again = take([handed(reference=b"1"), handed(reference=b"1", body="Another"), handed(reference=b"1", origin=8)])

    assert again.results[0] == first
    assert len({first, *again.results}) == 3, "another text, and another origin's, are other messages"
    assert Message.objects.count() == 3


def test_twins_within_a_batch_are_one() -> None:
    DefaultSenderFactory()
    first, second = take([handed(reference=b"1"), handed(reference=b"1")]).results
    assert first == second
    assert Message.objects.get().pk == first


def test_a_reference_may_be_used_again_after_a_day() -> None:
    DefaultSenderFactory()
    long_ago = first_id(timezone.now() - submissions.REFERENCE_KEPT - timedelta(minutes=1))
    old = handed(reference=b"1")
    Submission.objects.create(message_id=long_ago, origin=7, reference=old.reference, wants_word=True)

    (new,) = take([old]).results

    assert new == old.draft.id
    assert Submission.objects.get(pk=long_ago).reference is None, "what it was is still known"


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.UNDELIVERED, Status.EXPIRED])
def test_word_is_owed_when_the_status_is_final(status: Status) -> None:
    DefaultSenderFactory()
    (message_id,) = take([handed()]).results
    assert owed() == []

    end(message_id, status)

    assert owed() == [(7, message_id, 1)]


def test_a_better_end_is_word_once_more_and_one_that_is_read_is_none() -> None:
    DefaultSenderFactory()
    (message_id,) = take([handed()]).results
    end(message_id, Status.UNDELIVERED)
    end(message_id, Status.UNDELIVERED)
    end(message_id, Status.DELIVERED)
    end(message_id, Status.READ)
    assert owed() == [(7, message_id, 2)]


def test_progress_is_word_to_those_who_want_it_and_each_step_once() -> None:
    DefaultSenderFactory()
    wants = Handed(origin=-7, draft=Draft("+14155550100", "Hi"), wants_word=True, wants_progress=True)
    curious, patient = take([wants, handed("+14155550101")]).results
    for step, version in {
        Status.ACCEPTED: 1,
        Status.SENT: 1,
        Status.DELIVERED: 2,
        Status.READ: 3,
    }.items():
        end(curious, step)
        assert owed() == [(-7, curious, version)]
    end(patient, Status.ACCEPTED)
    end(patient, Status.READ)
    assert (7, patient, 1) in owed()


def test_a_cancelled_message_is_word_and_a_suppressed_one_at_once() -> None:
    DefaultSenderFactory()
    SuppressionFactory(phone="+14155550199")
    queued, suppressed = take([handed(), handed("+14155550199")]).results
    assert owed() == [(7, suppressed, 1)]

    assert isinstance(queued, UUID)
    cancel(message_id=queued)

    assert {subject for _, subject, _ in owed()} == {queued, suppressed}


def test_messages_of_nobody_are_no_word() -> None:
    end(MessageFactory(status=Status.SENT).pk)
    DefaultSenderFactory()
    silent = Handed(origin=7, draft=Draft("+14155550100", "Hi"))
    end(take([silent]).results[0])
    assert owed() == []


def test_an_origin_sees_its_own_messages_only() -> None:
    DefaultSenderFactory()
    (message_id,) = take([handed()]).results
    assert isinstance(message_id, UUID)
    found = submissions.message_of(7, message_id)
    assert found is not None
    assert found.pk == message_id
    assert submissions.message_of(8, message_id) is None
    assert submissions.message_of(7, MessageFactory().pk) is None


def test_old_submissions_are_forgotten_but_those_that_are_open() -> None:
    then = timezone.now() + submissions.KEPT + timedelta(days=1)
    DefaultSenderFactory()
    ended, still_open = take([handed(), handed()]).results
    end(ended)

    assert submissions.purge(now=then) == 1
    assert Submission.objects.get().pk == still_open


@pytest.mark.django_db(transaction=True)
def test_word_is_told_once_it_is_struck_off_and_not_if_it_has_changed_since() -> None:
    DefaultSenderFactory()
    first, second = take([handed(), handed()]).results
    end(first)
    end(second, Status.UNDELIVERED)

    async def tell() -> list[str]:
        async with await connect() as session, await connect() as other:
            assert await words.lock(session, [7]) == [7]
            assert await words.lock(other, [7]) == [], "one connection tells an origin"
            found = [word for word in await words.due(session, {7: 10}, []) if isinstance(word, words.Fate)]
            assert [len(await words.due(session, {7: room}, [])) for room in (0, 1)] == [0, 1]
            others = await words.due(session, {7: 10}, [found[0].word.subject])
            assert [each.word.subject for each in others] == [second]
            await asyncio.to_thread(_in_a_thread, second)
            await words.strike(session, [each.word for each in found])
            await words.unlock(session, [7])
            assert await words.lock(other, [7]) == [7]
            return [each.status for each in await words.due(other, {7: 10}, []) if isinstance(each, words.Fate)]

    assert asyncio.run(tell()) == ["delivered"]


def _in_a_thread(message_id: object) -> None:
    end(message_id, Status.DELIVERED)
    connection.close()
