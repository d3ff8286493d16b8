"""What becomes of a message: every way in which an operator may answer, or not."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from delivery.errors import Failure
from delivery.providers.base import CannotAsk, Outcome, Question, Slows
from delivery.providers.smpp import adapter as adapter_module
from delivery.smpp.constants import CommandStatus, Tag
from delivery.smpp.link import Link
from delivery.smpp.pdu import (
    Bind,
    GenericNack,
    QuerySm,
    QuerySmResp,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    response_to,
)
from delivery.smpp.text import taken_apart
from delivery.states import Status
from tests.contract.harness import now
from tests.delivery.providers.smpp.scenes import Ear, Operator, adapter_and, message, saying, soon
from tests.delivery.smpp.ends import run

LONG = "x" * 400


def in_turn(*answers: int | None) -> Callable[[Link, Request], Any]:
    """Answers to submits by their number: a status, or None for no answer at all."""
    left = list(answers)

    def reply(_link: Link, request: Request) -> Response | None:
        if not isinstance(request, SubmitSm):
            return response_to(request)
        status = left.pop(0) if left else 0
        return None if status is None else response_to(request, status)

    return reply


def send(operator: Operator, body: str = "Hello", *, ear: Ear | None = None, **settings: Any) -> Any:
    async def scenario() -> Any:
        async with adapter_and(operator, ear, **settings) as adapter:
            return await adapter.send(message(body))

    return run(scenario())


def test_what_is_taken_has_its_id() -> None:
    def reply(_link: Link, request: Request) -> Response:
        return SubmitSmResp("00AF") if isinstance(request, SubmitSm) else response_to(request)

    outcome = send(Operator(reply))
    assert (outcome.outcome, outcome.provider_message_id, outcome.part_ids) == (Outcome.ACCEPTED, "af", ())


def test_a_refusal_for_speed_slows_the_account() -> None:
    outcome = send(Operator(saying(CommandStatus.ESME_RTHROTTLED)))
    assert (outcome.outcome, outcome.slows, outcome.code) == (Outcome.THROTTLED, Slows.ACCOUNT, "ESME_RTHROTTLED")


def test_a_nack_is_a_refusal() -> None:
    def reply(_link: Link, request: Request) -> Response:
        return response_to(request) if isinstance(request, Bind) else GenericNack(CommandStatus.ESME_RINVCMDID)

    outcome = send(Operator(reply))
    assert (outcome.outcome, outcome.code) == (Outcome.REJECTED, "ESME_RINVCMDID")


@pytest.mark.parametrize(
    ("body", "sender", "failure"),
    [("half: \ud83d", "+15005550006", Failure.CONTENT), ("Hi", "much too long a sender", Failure.SENDER)],
)
def test_what_cannot_be_written_is_refused_before_it_leaves(body: str, sender: str, failure: Failure) -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator) as adapter:
            outcome = await adapter.send(message(body, sender=sender))
            assert (outcome.outcome, outcome.failure, operator.submits) == (Outcome.REJECTED, failure, [])

    run(scenario())


def test_without_room_in_time_nothing_has_left() -> None:
    async def scenario() -> None:
        operator = Operator(in_turn(None))
        async with adapter_and(operator, window=1, timeout=0.4) as adapter:
            first, second = await asyncio.gather(adapter.send(message()), adapter.send(message()))
            assert {first.outcome, second.outcome} == {Outcome.UNCERTAIN, Outcome.THROTTLED}
            assert len(operator.submits) == 1

    run(scenario())


def test_those_who_wait_for_room_all_get_it() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator, window=3) as adapter:
            outcomes = await asyncio.gather(*[adapter.send(message()) for _ in range(200)])
            assert {outcome.outcome for outcome in outcomes} == {Outcome.ACCEPTED}
            assert len({outcome.provider_message_id for outcome in outcomes}) == 200

    run(scenario())


def test_who_gives_up_waiting_leaves_the_turn_to_others() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator, window=1) as adapter:
            sends = [asyncio.ensure_future(adapter.send(message())) for _ in range(20)]
            await asyncio.sleep(0)
            for each in sends[1::3]:
                each.cancel()
            left = [each for number, each in enumerate(sends) if number % 3 != 1]
            assert {(await each).outcome for each in left} == {Outcome.ACCEPTED}

    run(scenario())


# Late answers.


def test_a_late_response_tells_whose_it_is() -> None:
    async def scenario() -> None:
        operator, ear = Operator(in_turn(None)), Ear()
        async with adapter_and(operator, ear, timeout=0.3) as adapter:
            sent = message(attempt=2)
            outcome = await adapter.send(sent)
            assert outcome.outcome is Outcome.UNCERTAIN
            late = SubmitSmResp("0042")
            operator.links[0]._respond(2, operator.submits[0], late)
            await soon(lambda: ear.receipts)
            [receipt] = ear.receipts
            assert (receipt.message_id, receipt.attempt) == (sent.id, 2)
            assert (receipt.status, receipt.provider_message_id) == (Status.ACCEPTED, "42")

    run(scenario())


# Parts.


def test_a_text_in_parts_is_taken_as_a_whole_with_all_its_ids() -> None:
    operator = Operator()
    outcome = send(operator, LONG)
    assert (outcome.outcome, outcome.provider_message_id) == (Outcome.ACCEPTED, "id-1")
    assert outcome.part_ids == ("id-1", "id-2", "id-3")
    parts = [taken_apart(each) for each in operator.submits]
    assert b"".join(data for data, _ in parts) == LONG.encode()
    assert [concat.number for _, concat in parts if concat] == [1, 2, 3]


def test_parts_stay_on_one_bind() -> None:
    async def scenario() -> None:
        links: list[Link] = []

        def reply(link: Link, request: Request) -> Response:
            if isinstance(request, SubmitSm):
                links.append(link)
            return response_to(request)

        async with adapter_and(Operator(reply), hold=3, binds=3) as adapter:
            await adapter.send(message(LONG))
        assert len(links) == 3
        assert len(set(links)) == 1

    run(scenario())


def test_a_refusal_of_the_first_part_is_one_of_the_whole() -> None:
    operator = Operator(in_turn(CommandStatus.ESME_RINVDSTADR))
    outcome = send(operator, LONG)
    assert (outcome.outcome, outcome.failure) == (Outcome.REJECTED, Failure.INVALID_NUMBER)
    assert len(operator.submits) == 1


def test_a_part_that_was_too_fast_is_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "_PART_PAUSE", 0.01)
    operator = Operator(in_turn(0, CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL, 0, 0))
    outcome = send(operator, LONG)
    assert (outcome.outcome, len(outcome.part_ids), len(operator.submits)) == (Outcome.ACCEPTED, 3, 5)
    assert operator.submits[1] == operator.submits[2] == operator.submits[3]


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ((0, CommandStatus.ESME_RSUBMITFAIL), "1 of 3 parts were taken, then one was refused"),
        ((0, 0, None), "2 of 3 parts were taken, then no response came"),
        ((0, *[CommandStatus.ESME_RTHROTTLED] * 100), "1 of 3 parts were taken in time"),
    ],
)
def test_what_was_taken_in_part_is_in_doubt_and_is_not_told_by_its_ids(
    answers: tuple[int | None, ...], detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_module, "_PART_PAUSE", 0.05)
    outcome = send(Operator(in_turn(*answers)), LONG, timeout=0.5)
    assert (outcome.outcome, outcome.detail) == (Outcome.UNCERTAIN, detail)
    assert (outcome.provider_message_id, outcome.part_ids, outcome.retry_after) == ("", (), None)


def test_a_long_text_may_go_whole() -> None:
    operator = Operator()
    outcome = send(operator, LONG, long_messages="payload")
    assert (outcome.provider_message_id, outcome.part_ids) == ("id-1", ())
    assert (Tag.MESSAGE_PAYLOAD, LONG.encode()) in operator.submits[0].tlvs


# Asking.


def question(**given: Any) -> Question:
    about = message(**given.pop("about", {}))
    fields = {
        "message_id": about.id,
        "attempt": 1,
        "provider_message_id": "42",
        "recipient": about.recipient,
        "sender": about.sender,
        "body": about.body,
        "claimed_at": now(),
    }
    return Question(**(fields | given))


def test_an_operator_who_may_be_asked_says_what_became_of_a_message() -> None:
    async def scenario() -> None:
        def reply(_link: Link, request: Request) -> Response:
            if isinstance(request, QuerySm):
                assert (request.message_id, request.source_addr) == ("42", "15005550006")
                return QuerySmResp("42", "", 5, 0)
            return response_to(request)

        async with adapter_and(Operator(reply), may_query=True) as adapter:
            [found] = (await adapter.ask(question())).found
            assert (found.provider_message_id, found.status) == ("42", Status.UNDELIVERED)

    run(scenario())


@pytest.mark.parametrize(
    ("answer", "asked", "settings"),
    [
        (QuerySmResp("42", "", 2, 0), question(), {}),
        (QuerySmResp("42", "", 2, 0), question(provider_message_id=""), {"may_query": True}),
        (QuerySmResp("42", "", 2, 0), question(about={"body": LONG}), {"may_query": True}),
        (QuerySmResp("42", "", 99, 0), question(), {"may_query": True}),
        (QuerySmResp(status=CommandStatus.ESME_RQUERYFAIL), question(), {"may_query": True}),
        (QuerySmResp(status=CommandStatus.ESME_RINVMSGID), question(), {"may_query": True}),
        (None, question(), {"may_query": True}),
    ],
)
def test_nothing_follows_from_an_operator_who_does_not_say(
    answer: Response | None, asked: Question, settings: dict[str, Any]
) -> None:
    async def scenario() -> None:
        operator = Operator(lambda _link, request: answer if isinstance(request, QuerySm) else response_to(request))
        async with adapter_and(operator, timeout=0.3, **settings) as adapter:
            with pytest.raises(CannotAsk):
                await adapter.ask(asked)

    run(scenario())
