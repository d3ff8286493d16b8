"""The adapter and the simulated operator, who share the codec and nothing above it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from delivery.providers.base import ConnectionState, Outcome, SendOutcome
from delivery.providers.smpp import bind
from delivery.providers.smpp.adapter import SmppAdapter
from delivery.states import Status
from simulator.smsc.receipts import DIALECTS
from tests.contract.harness import new_number
from tests.contract.smpp_harness import SmppHarness, held
from tests.delivery.providers.smpp.scenes import Ear, message, soon
from tests.delivery.smpp.ends import run

FAULTS = (
    "drop_before_share",
    "drop_after_share",
    "smpp_drop_answered_share",
    "smpp_cut_share",
    "garbage_share",
    "error_after_share",
    "smpp_nack_share",
    "throttle_share",
)


@pytest.fixture(scope="module")
def started() -> Iterator[SmppHarness]:
    harness = SmppHarness()
    harness.start()
    yield harness
    harness.stop()


@pytest.fixture
def operator(started: SmppHarness) -> Iterator[SmppHarness]:
    yield started
    started.carrier.reset()


@asynccontextmanager
async def adapter_of(operator: SmppHarness, ear: Ear, **settings: Any) -> AsyncIterator[SmppAdapter]:
    good = operator.config(max_in_flight=10)
    adapter = held(replace(good, settings={**good.settings, **settings}), ear)
    try:
        yield adapter
    finally:
        await adapter.close()


async def send(adapter: SmppAdapter, body: str = "Hello") -> SendOutcome:
    return await adapter.send(message(body, recipient=new_number()))


def told_of(ear: Ear) -> set[str]:
    return {each.provider_message_id for each in ear.receipts if each.status is Status.DELIVERED}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_of_receipts_is_understood(operator: SmppHarness, dialect: str) -> None:
    operator.carrier.set_faults(
        receipt_delay_ms=5, receipt_jitter_ms=0, smpp_receipt_text=dialect, smpp_receipt_tlvs=dialect == "empty"
    )

    async def scenario() -> None:
        ear = Ear()
        async with adapter_of(operator, ear) as adapter:
            outcomes = await asyncio.gather(*[send(adapter) for _ in range(5)])
            await soon(lambda: told_of(ear) >= {each.provider_message_id for each in outcomes})

    run(scenario())


@pytest.mark.parametrize(
    ("ids", "repeated", "base"),
    [
        ("dec", "dec", "auto"),
        ("hex", "dec", "auto"),
        ("dec", "HEX16", "auto"),
        ("HEX", "hex16", "auto"),
        ("opaque", "", "auto"),
        ("hex", "dec", "hex-decimal"),
        ("dec", "hex", "decimal-hex"),
    ],
)
@pytest.mark.parametrize("early", [0.0, 0.5])
def test_ids_are_the_same_in_whatever_base_and_whichever_comes_first(
    operator: SmppHarness, ids: str, repeated: str, base: str, early: float
) -> None:
    operator.carrier.set_faults(
        receipt_delay_ms=5, receipt_jitter_ms=0, smpp_ids=ids, smpp_receipt_ids=repeated, receipts_early_share=early
    )

    async def scenario() -> None:
        ear = Ear()
        async with adapter_of(operator, ear, id_base=base) as adapter:
            outcomes = await asyncio.gather(*[send(adapter) for _ in range(20)])
            assert {each.outcome for each in outcomes} == {Outcome.ACCEPTED}
            await soon(lambda: told_of(ear) >= {each.provider_message_id for each in outcomes})

    run(scenario())


@pytest.mark.parametrize("long", ["udh8", "udh16", "sar", "payload"])
def test_long_texts_arrive_word_for_word(operator: SmppHarness, long: str) -> None:
    bodies = ["The quick brown fox {jumps}. " * 12, "Grüße 🎉 " * 30]

    async def scenario() -> None:
        async with adapter_of(operator, Ear(), long_messages=long) as adapter:
            for body in bodies:
                recipient = new_number()
                outcome = await adapter.send(message(body, recipient=recipient))
                [taken] = operator.carrier.texts(recipient)
                assert taken.body == body
                assert tuple(taken.sids) == (outcome.part_ids or (outcome.provider_message_id,))

    run(scenario())


@pytest.mark.parametrize("joining", ["udh8", "udh16", "sar", "payload"])
def test_texts_from_people_are_acknowledged_when_they_are_whole(operator: SmppHarness, joining: str) -> None:
    body = "I would like to change my order, please. " * 8

    async def scenario() -> None:
        ear = Ear()
        async with adapter_of(operator, ear) as adapter:
            await send(adapter)
            sent = await asyncio.to_thread(
                operator.carrier.send_text,
                to="+15005550006",
                sender="+14155550123",
                body=body,
                joining=joining,
                order=(3, 1, 2) if joining != "payload" else (),
            )
            assert {each["status"] for each in sent["answers"]} == {0}
        assert [(each.phone, each.recipient, each.body) for each in ear.texts] == [
            ("+14155550123", "+15005550006", body)
        ]

    run(scenario())


def test_cut_off_at_every_point_nobody_is_texted_twice_and_nothing_taken_is_called_refused(
    operator: SmppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bind, "FIRST_PAUSE", 0.01)
    shares = dict.fromkeys(FAULTS, 0.02)
    operator.carrier.set_faults(receipt_delay_ms=20, latency_ms=3, smpp_ack_seconds=1.0, **shares)

    async def scenario() -> None:
        ear = Ear()
        async with adapter_of(operator, ear) as adapter:
            outcomes = []
            for _ in range(20):
                await soon(lambda: adapter.connections()[0].state is ConnectionState.BOUND)
                outcomes += await asyncio.gather(*[adapter.send(message(recipient=new_number())) for _ in range(10)])
            by_id = {each["sid"] for each in operator.carrier.entries()}
            numbers = [each["to"] for each in operator.carrier.entries()]
            accepted = {each.provider_message_id for each in outcomes if each.outcome is Outcome.ACCEPTED}
            assert accepted <= by_id
            assert len(numbers) == len(set(numbers))
            doubtful = sum(each.outcome is Outcome.UNCERTAIN for each in outcomes)
            assert len(accepted) <= len(by_id) <= len(accepted) + doubtful
            assert doubtful
            operator.carrier.set_faults(**dict.fromkeys(shares, 0.0))
            # Also of those whose link was lost under them, over another bind.
            await soon(lambda: told_of(ear) >= accepted)

    run(scenario())
