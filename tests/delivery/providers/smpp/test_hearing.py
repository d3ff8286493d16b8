"""Receipts and people's texts: stored before they are acknowledged, known by one id, put together from their parts."""

import asyncio
from typing import Any

import pytest

from delivery.errors import Failure
from delivery.providers.base import InboundText, Outcome
from delivery.providers.smpp import hearing, texts
from delivery.providers.smpp.account import read
from delivery.smpp import text
from delivery.smpp.constants import (
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    CommandStatus,
    Tag,
)
from delivery.smpp.link import Link
from delivery.smpp.pdu import (
    CancelSm,
    DataSm,
    DeliverSm,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    c_string_tlv,
    integer_tlv,
    response_to,
    tlv,
)
from delivery.states import Status
from tests.delivery.providers.smpp.scenes import Ear, Operator, adapter_and, config, message, soon
from tests.delivery.smpp.ends import run

OK, AGAIN = CommandStatus.ESME_ROK, CommandStatus.ESME_RX_T_APPN
PERSON = "14155550123"
NO_SUBSCRIBER = (Tag.NETWORK_ERROR_CODE, b"\x03\x00\x01")


def receipt(message_id: str, stat: str = "DELIVRD", err: str = "000", *tlvs: Tlv, **given: Any) -> DeliverSm:
    words = f"id:{message_id} sub:001 dlvrd:001 submit date:2401010000 done date:2401010000 stat:{stat} err:{err} text:"
    fields = {"source_addr": PERSON, "destination_addr": "15005550006", "esm_class": ESM_RECEIPT, "tlvs": tlvs}
    return DeliverSm(short_message=words.encode(), **(fields | given))


def written(body: str, **given: Any) -> DeliverSm:
    fields = {"source_addr": PERSON, "source_addr_ton": 1, "destination_addr": "12345"}
    return DeliverSm(short_message=body.encode("latin-1"), **(fields | given))


def in_parts(body: str, reference: int = 7, long: text.Long = text.Long.UDH8) -> list[DeliverSm]:
    encoded = text.encode(body, long=long, reference=reference)
    return [
        DeliverSm(
            source_addr=PERSON,
            source_addr_ton=1,
            destination_addr="12345",
            esm_class=part.esm_class,
            short_message=part.short_message,
            tlvs=part.tlvs,
        )
        for part in encoded.parts
    ]


# Receipts.


@pytest.mark.parametrize(
    ("given", "status", "failure", "code"),
    [
        (receipt("00AF"), Status.DELIVERED, None, ""),
        (receipt("af", "UNDELIV", "001"), Status.UNDELIVERED, Failure.UNREACHABLE, "err 1"),
        (receipt("af", "UNDELIV"), Status.UNDELIVERED, Failure.UNREACHABLE, "UNDELIVERABLE"),
        (receipt("af", "EXPIRED"), Status.EXPIRED, Failure.EXPIRED, "EXPIRED"),
        (receipt("af", "REJECTD", "042"), Status.FAILED, Failure.BLOCKED, "err 42"),
        (receipt("af", "ENROUTE"), Status.SENT, None, ""),
        (receipt("af", "UNKNOWN"), Status.SENT, None, ""),
        (receipt("af", "UNDELIV", "000", NO_SUBSCRIBER), Status.UNDELIVERED, Failure.INVALID_NUMBER, "GSM 1"),
        (receipt("af", "UNDELIV", esm_class=ESM_INTERMEDIATE), Status.SENT, None, "UNDELIVERABLE"),
    ],
)  # fmt: skip
def test_what_a_receipt_tells_the_hub(given: DeliverSm, status: Status, failure: Failure | None, code: str) -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear):
            assert (await operator.links[0].request(given)).status == OK
        [heard] = ear.receipts
        assert (heard.provider_message_id, heard.message_id) == ("af", None)
        assert (heard.status, heard.failure, heard.code) == (status, failure, code)

    run(scenario())


def test_a_receipt_by_data_sm() -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        told = (c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, "af"), integer_tlv(Tag.MESSAGE_STATE, 2, 1))
        async with adapter_and(operator, ear):
            assert (await operator.links[0].request(DataSm(source_addr=PERSON, esm_class=4, tlvs=told))).status == OK
        assert [(each.provider_message_id, each.status) for each in ear.receipts] == [("af", Status.DELIVERED)]

    run(scenario())


def test_receipts_are_acknowledged_when_they_are_stored_and_many_are_stored_at_a_time() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        operator, ear = Operator(), Ear(storing=gate.wait)  # type: ignore[arg-type]
        async with adapter_and(operator, ear):
            answers = [operator.links[0].submit(receipt(f"{number:x}")) for number in range(1, 41)]
            await asyncio.sleep(0.05)
            assert not any(answer.done() for answer in answers)
            gate.set()
            assert {(await answer).status for answer in answers} == {OK}
            assert len(ear.batches) <= 3
        assert len(ear.receipts) == 40

    run(scenario())


def test_what_is_not_stored_is_to_come_again() -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise ConnectionError("database")

        operator, ear = Operator(), Ear(storing=fail)
        async with adapter_and(operator, ear):
            assert (await operator.links[0].request(receipt("af"))).status == AGAIN
            assert (await operator.links[0].request(written("Hi"))).status == AGAIN
            ear.storing = None
            assert (await operator.links[0].request(receipt("af"))).status == OK
        assert len(ear.heard) == 1

    run(scenario())


def test_without_a_listener_nothing_is_acknowledged() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with adapter_and(operator, None):
            assert (await operator.links[0].request(receipt("af"))).status == AGAIN

    run(scenario())


def test_a_receipt_that_says_nothing_is_not_heard_again_and_again() -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear):
            nothing = DeliverSm(source_addr=PERSON, esm_class=ESM_RECEIPT, short_message=b"what?")
            assert (await operator.links[0].request(nothing)).status == OK
            assert (await operator.links[0].request(CancelSm())).status == CommandStatus.ESME_RINVCMDID
        assert ear.heard == []

    run(scenario())


def test_a_receipt_before_its_response_waits_for_it_where_the_base_of_ids_is_not_known_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nothing but the response can let it go.
    monkeypatch.setattr(hearing, "HOLD_SECONDS", 60.0)

    async def scenario() -> None:
        early: list[asyncio.Future[Response]] = []

        def reply(link: Link, request: Request) -> Any:
            if not isinstance(request, SubmitSm):
                return response_to(request)
            early.append(link.submit(receipt("4096")))
            return _later(SubmitSmResp("1000"))

        operator, ear = Operator(reply), Ear()
        async with adapter_and(operator, ear, id_base="auto") as adapter:
            outcome = await adapter.send(message(recipient=f"+{PERSON}"))
            assert outcome.provider_message_id == "1000"
            assert (await early[0]).status == OK
        assert [each.provider_message_id for each in ear.receipts] == ["1000"]

    run(scenario())


async def _later(answer: Response) -> Response:
    await asyncio.sleep(0.05)
    return answer


def test_a_receipt_that_nobody_can_tell_the_message_of_stays_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "HOLD_SECONDS", 0.02)

    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear, id_base="auto"):
            assert (await operator.links[0].request(receipt("1001"))).status == AGAIN
        assert ear.heard == []

    run(scenario())


def test_our_reference_in_a_receipt_tells_whose_it_is_when_the_response_was_lost() -> None:
    async def scenario() -> None:
        def reply(_link: Link, request: Request) -> Response | None:
            return None if isinstance(request, SubmitSm) else response_to(request)

        operator, ear = Operator(reply), Ear()
        async with adapter_and(operator, ear) as adapter:
            sent = message(recipient=f"+{PERSON}", attempt=3)
            sending = asyncio.ensure_future(adapter.send(sent))
            await soon(lambda: operator.submits)
            operator.links[0].abort()
            assert (await sending).outcome is Outcome.UNCERTAIN
            await soon(lambda: len(operator.bound) == 1)
            reference = tlv(operator.submits[0].tlvs, Tag.USER_MESSAGE_REFERENCE)
            assert reference is not None
            told = (Tag.USER_MESSAGE_REFERENCE, reference)
            await operator.links[-1].request(receipt("af", "DELIVRD", "000", told))
            await operator.links[-1].request(receipt("b0", "DELIVRD", "000", told, source_addr="14155559999"))
        assert [(each.provider_message_id, each.message_id, each.attempt) for each in ear.receipts] == [
            ("af", sent.id, 3),
            ("b0", None, 0),
        ]

    run(scenario())


# Texts.


def test_a_text_as_the_hub_is_told_of_it() -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear):
            assert (await operator.links[0].request(written("STOP\0"))).status == OK
            emoji = written("", data_coding=8, source_addr="12345", source_addr_ton=3, destination_addr="+15005550006")
            payload = DataSm(
                source_addr="4915112345678",
                destination_addr="Shop",
                data_coding=8,
                tlvs=((Tag.MESSAGE_PAYLOAD, "🎉".encode("utf-16-be")),),
            )
            for each in (emoji, payload):
                assert (await operator.links[0].request(each)).status == OK
            assert (await operator.links[0].request(written("Hi", source_addr=""))).status == OK
        assert [(each.phone, each.recipient, each.body) for each in ear.texts] == [
            ("+14155550123", "12345", "STOP@"),
            ("12345", "+15005550006", ""),
            ("+4915112345678", "Shop", "🎉"),
        ]
        assert len({each.provider_message_id for each in ear.texts}) == 3

    run(scenario())


@pytest.mark.parametrize(
    ("address", "ton", "number"),
    [
        ("4915112345678", 1, "+4915112345678"),
        ("+4915112345678", 0, "+4915112345678"),
        ("004915112345678", 0, "+4915112345678"),
        ("015112345678", 2, "+4915112345678"),
        ("15112345678", 2, "+4915112345678"),
        ("12345", 3, "12345"),
        ("Shop", 5, "Shop"),
        ("\x00\x01", 5, ""),
        ("", 0, ""),
        ("00", 0, ""),
    ],
)
def test_numbers_as_the_hub_writes_them(address: str, ton: int, number: str) -> None:
    assert texts.phone_number(address, ton, read(config(1, country_code="49"))) == number


@pytest.mark.parametrize("long", [text.Long.UDH8, text.Long.UDH16, text.Long.SAR])
def test_parts_are_acknowledged_together_when_the_whole_is_stored(long: text.Long) -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        body = "The quick brown fox. " * 20
        async with adapter_and(operator, ear):
            third, first, second = (in_parts(body, long=long)[index] for index in (2, 0, 1))
            waiting = [operator.links[0].submit(each) for each in (third, first)]
            await asyncio.sleep(0.02)
            assert not any(answer.done() for answer in waiting)
            assert (await operator.links[0].request(second)).status == OK
            assert [(await answer).status for answer in waiting] == [OK, OK]
        assert [each.body for each in ear.texts] == [body]

    run(scenario())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "HOLD_SECONDS", 0.02)


@pytest.mark.usefixtures("impatient")
def test_an_operator_who_sends_one_part_after_the_other_is_not_kept_waiting() -> None:
    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        one, two = in_parts("x" * 200)
        async with adapter_and(operator, ear):
            assert (await operator.links[0].request(one)).status == AGAIN
            assert (await operator.links[0].request(two)).status == OK
            # What was to come again does, on whatever bind, and changes nothing.
            assert (await operator.links[0].request(one)).status == OK
            assert (await operator.links[0].request(two)).status == OK
            # Another text under the same reference is another one.
            assert (await operator.links[0].request(in_parts("y" * 200)[0])).status == AGAIN
        assert [each.body for each in ear.texts] == ["x" * 200]

    run(scenario())


@pytest.mark.usefixtures("impatient")
def test_a_text_of_which_a_part_never_comes_is_told_with_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "WHOLE_SECONDS", 0.05)

    async def scenario() -> None:
        operator, ear = Operator(), Ear()
        one, _two, three = in_parts("STOP! " + "x" * 400)
        async with adapter_and(operator, ear) as adapter:
            for part in (one, three):
                assert (await operator.links[0].request(part)).status == AGAIN
            await asyncio.sleep(0.06)
            adapter._texts.look_after()
            await soon(lambda: ear.texts)
            assert (await operator.links[0].request(one)).status == OK
        [told] = ear.texts
        assert told.body.startswith("STOP! xxx")
        assert texts.GAP in told.body

    run(scenario())


@pytest.mark.usefixtures("impatient")
def test_parts_of_a_text_that_was_not_stored_come_again_and_make_it_once_more() -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise ConnectionError("database")

        operator, ear = Operator(), Ear(storing=fail)
        parts = in_parts("x" * 200)
        async with adapter_and(operator, ear):
            answers = await asyncio.gather(*[operator.links[0].submit(part) for part in parts])
            assert {answer.status for answer in answers} == {AGAIN}
            ear.storing = None
            answers = await asyncio.gather(*[operator.links[0].submit(part) for part in parts])
            assert {answer.status for answer in answers} == {OK}
        assert [each.body for each in ear.texts] == ["x" * 200]

    run(scenario())


def test_a_text_that_comes_again_after_a_lost_link_is_the_same_and_another_one_is_not() -> None:
    async def scenario() -> list[InboundText]:
        operator, ear = Operator(), Ear()
        async with adapter_and(operator, ear):
            for _ in range(2):
                await operator.links[0].request(written("Yes"))
            operator.links[0].abort()
            await soon(lambda: len(operator.bound) == 1)
            await operator.links[-1].request(written("Yes"))
            await operator.links[-1].request(written("Yes"))
        return ear.texts

    first, second, again, fourth = (each.provider_message_id for each in run(scenario()))
    assert again in (first, second)
    assert len({first, second, fourth}) == 3
