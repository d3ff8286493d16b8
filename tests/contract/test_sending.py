"""The four outcomes of a send, and what asking says afterwards: the same for every provider."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from delivery.errors import Failure
from delivery.providers.base import CannotAsk, Outcome, SendOutcome
from delivery.states import Status
from tests.contract.harness import (
    Can,
    Harness,
    Refusal,
    Trouble,
    adapter_of,
    new_message,
    now,
    question,
    run,
)
from tests.contract.harnesses import over, over_refusals

TOOK_IT = [Trouble.DROPPED_AFTER, Trouble.ERROR_AFTER, Trouble.LATE, Trouble.GARBAGE]
NEVER_HAD_IT = [Trouble.DROPPED_BEFORE, Trouble.ERROR_BEFORE]


def assert_tells_nothing(outcome: SendOutcome, *secrets: str) -> None:
    for secret in secrets:
        assert secret.lstrip("+") not in outcome.detail


@over(Can.SEND)
def test_an_accepted_message_is_with_the_provider_once_word_for_word(harness: Harness) -> None:
    message = new_message(harness, body="Grüße & more: 100% €\nplus+ ~ =é 🎉")

    async def scenario() -> SendOutcome:
        async with adapter_of(harness) as adapter:
            return await adapter.send(message)

    outcome = run(scenario())

    assert (outcome.outcome, outcome.message_id, outcome.attempt) == (Outcome.ACCEPTED, message.id, 1)
    [taken] = harness.taken(message.recipient)
    assert (taken.recipient, taken.body) == (message.recipient, message.body)
    assert outcome.provider_message_id == taken.provider_message_id


@over(Can.ASK)
def test_a_message_with_a_known_id_is_found_again(harness: Harness) -> None:
    message = new_message(harness)

    async def scenario() -> None:
        async with adapter_of(harness) as adapter:
            began = now()
            sent = await adapter.send(message)
            answer = await adapter.ask(
                question(message, asked_from=began, provider_message_id=sent.provider_message_id)
            )
            assert [found.provider_message_id for found in answer.found] == [sent.provider_message_id]
            assert answer.found[0].status in (Status.ACCEPTED, Status.SENT, Status.DELIVERED)

    run(scenario())


@over_refusals()
def test_a_refusal_is_final_and_translated(harness: Harness, refusal: Refusal) -> None:
    message = new_message(harness)

    async def scenario() -> SendOutcome:
        async with adapter_of(harness) as adapter:
            return await adapter.send(message)

    with harness.refusing(refusal.code):
        outcome = run(scenario())
        assert harness.taken(message.recipient) == []

    assert (outcome.outcome, outcome.failure) == (Outcome.REJECTED, refusal.failure)
    assert outcome.code == refusal.code
    assert outcome.retry_after is None
    assert_tells_nothing(outcome, message.recipient, message.body)


@over(Can.FAIL)
@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.REFUSED_CONNECTION, Trouble.BAD_CREDENTIALS])
def test_what_passes_or_is_not_the_messages_fault_burns_nothing(harness: Harness, trouble: Trouble) -> None:
    message = new_message(harness)
    with harness.trouble(trouble) as config:

        async def scenario() -> SendOutcome:
            async with adapter_of(harness, config) as adapter:
                return await adapter.send(message)

        outcome = run(scenario())
        assert harness.taken(message.recipient) == []

    assert outcome.outcome is Outcome.THROTTLED
    assert outcome.retry_after is not None
    assert outcome.retry_after > 0
    assert (outcome.failure is Failure.ACCOUNT) == (trouble is Trouble.BAD_CREDENTIALS)
    assert_tells_nothing(outcome, message.recipient, message.body)


@over(Can.FAIL)
@pytest.mark.parametrize("trouble", TOOK_IT + NEVER_HAD_IT)
def test_a_message_without_an_answer_is_uncertain_whether_it_arrived_or_not(harness: Harness, trouble: Trouble) -> None:
    message = new_message(harness)
    with harness.trouble(trouble) as config:

        async def scenario() -> SendOutcome:
            async with adapter_of(harness, config) as adapter:
                return await adapter.send(message)

        outcome = run(scenario())
        assert len(harness.taken(message.recipient)) == (trouble in TOOK_IT)

    assert (outcome.outcome, outcome.provider_message_id) == (Outcome.UNCERTAIN, "")
    assert_tells_nothing(outcome, message.recipient, message.body)


@over(Can.SEARCH)
@pytest.mark.parametrize("trouble", TOOK_IT)
def test_a_message_that_was_taken_without_an_answer_is_uncertain_and_asking_finds_it(
    harness: Harness, trouble: Trouble
) -> None:
    message = new_message(harness)
    with harness.trouble(trouble) as config:

        async def scenario() -> None:
            async with adapter_of(harness, config) as adapter:
                began = now()
                other_text = await adapter.send(
                    new_message(harness, recipient=message.recipient, body="Something else")
                )
                outcome = await adapter.send(message)
                answer = await adapter.ask(question(message, asked_from=began))

                assert {outcome.outcome, other_text.outcome} == {Outcome.UNCERTAIN}
                assert outcome.provider_message_id == ""
                assert_tells_nothing(outcome, message.recipient, message.body)
                exactly_it = [
                    taken.provider_message_id
                    for taken in harness.taken(message.recipient)
                    if taken.body == message.body
                ]
                assert len(exactly_it) == 1
                assert [found.provider_message_id for found in answer.found] == exactly_it
                assert (answer.message_id, answer.attempt) == (message.id, message.attempt)

        run(scenario())


@over(Can.SEARCH)
@pytest.mark.parametrize("trouble", NEVER_HAD_IT)
def test_a_message_that_was_lost_on_the_way_is_uncertain_and_asking_finds_nothing(
    harness: Harness, trouble: Trouble
) -> None:
    message = new_message(harness)
    with harness.trouble(trouble) as config:

        async def scenario() -> None:
            async with adapter_of(harness, config) as adapter:
                outcome = await adapter.send(message)
                answer = await adapter.ask(question(message, asked_from=now()))
                assert outcome.outcome is Outcome.UNCERTAIN
                assert list(answer.found) == []

        run(scenario())


@over(Can.SEARCH)
def test_everything_that_may_be_the_message_is_found(harness: Harness) -> None:
    """Two equal texts to one person: which of them is asked about is for the hub to say."""
    message = new_message(harness)

    async def scenario() -> None:
        async with adapter_of(harness) as adapter:
            began = now()
            ids = {(await adapter.send(message)).provider_message_id for _ in range(2)}
            answer = await adapter.ask(question(message, asked_from=began))
            assert {found.provider_message_id for found in answer.found} == ids

    run(scenario())


@over(Can.FAIL)
def test_a_provider_that_is_away_cannot_be_asked(harness: Harness) -> None:
    message = new_message(harness)
    with harness.trouble(Trouble.REFUSED_CONNECTION) as config:

        async def scenario() -> None:
            async with adapter_of(harness, config) as adapter:
                with pytest.raises(CannotAsk):
                    await adapter.ask(question(message, asked_from=now()))
                with pytest.raises(CannotAsk):
                    await adapter.ask(question(message, asked_from=now(), provider_message_id="SM" + "0" * 32))

        run(scenario())


@over(Can.FAIL)
def test_a_message_that_waited_for_a_connection_in_vain_was_certainly_not_sent(harness: Harness) -> None:
    first, second = new_message(harness), new_message(harness)

    async def scenario() -> None:
        async with adapter_of(harness, harness.config(max_in_flight=1)) as adapter:
            outcomes = await asyncio.gather(adapter.send(first), adapter.send(second))
            assert [outcome.outcome for outcome in outcomes] == [Outcome.UNCERTAIN, Outcome.THROTTLED]

    with harness.trouble(Trouble.LATE):
        run(scenario())
        assert [len(harness.taken(message.recipient)) for message in (first, second)] == [1, 0]


@over(Can.LIMIT)
def test_no_more_requests_are_in_flight_than_configured(harness: Harness) -> None:
    """The other side throttles the request too many, so that its word is the witness."""

    async def outcomes(allowed: int) -> Counter[Outcome]:
        # However busy the machine, none waits for its turn until we throttle it ourselves.
        config = replace(harness.config(max_in_flight=allowed), timeout=60.0)
        async with adapter_of(harness, config) as adapter:
            sends = [adapter.send(new_message(harness)) for _ in range(60)]
            return Counter(outcome.outcome for outcome in await asyncio.gather(*sends))

    with harness.limited(in_flight=5):
        assert run(outcomes(allowed=5)) == {Outcome.ACCEPTED: 60}
    with harness.limited(in_flight=5):
        assert run(outcomes(allowed=10))[Outcome.THROTTLED] > 0
