"""A link of either role: who waits, who is answered, and what becomes of a request whose response does not come."""

import asyncio
from typing import Any

import pytest

from delivery.smpp.codec import HEADER_SIZE, encode, read_header
from delivery.smpp.constants import Command, CommandStatus, Tag
from delivery.smpp.link import Link, Lost, NoResponse, NotSent, connect
from delivery.smpp.pdu import (
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    response_to,
)
from tests.delivery.smpp.ends import agree, both_ends, centre, run, until

TEXT = SubmitSm(destination_addr="14155550123", short_message=b"Hello")


class Slow:
    """A handler that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, asyncio.Future[Response | None]]] = []

    def __call__(self, _link: Link, request: Request) -> "asyncio.Future[Response | None]":
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self.asked.append((request, answer))
        return answer

    def answer(self, index: int, *, message_id: str = "") -> None:
        request, answer = self.asked[index]
        answer.set_result(SubmitSmResp(message_id) if message_id else response_to(request))


def test_requests_go_both_ways_and_every_response_finds_its_own() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow) as (esme, smsc):
            answers = [asyncio.ensure_future(esme.request(TEXT)) for _ in range(3)]
            await until(lambda: len(slow.asked) == 3)
            for index in (2, 0, 1):
                slow.answer(index, message_id=f"id-{index}")
            assert [(await answer).message_id for answer in answers] == ["id-0", "id-1", "id-2"]  # type: ignore[union-attr]
            assert await smsc.request(DeliverSm(short_message=b"Hi")) == DeliverSmResp()

    run(scenario())


def test_no_more_than_the_window_is_under_way_and_the_rest_waits_its_turn() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, window=2) as (esme, _):
            answers = [asyncio.ensure_future(esme.request(TEXT)) for _ in range(5)]
            await until(lambda: len(slow.asked) == 2)
            assert (esme.in_flight, esme.room, esme.window.waiting) == (2, 0, 3)
            with pytest.raises(NotSent):
                esme.submit(TEXT)
            with pytest.raises(NotSent, match="in time"):
                await esme.request(TEXT, room_seconds=0.02)
            assert len(slow.asked) == 2
            for index in range(5):
                await until(lambda: len(slow.asked) > index)  # noqa: B023
                slow.answer(index)
                assert esme.in_flight <= 2
            await asyncio.gather(*answers)
            assert (esme.in_flight, esme.room) == (0, 2)

    run(scenario())


def test_who_stops_waiting_gives_the_turn_to_the_next() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, window=1) as (esme, _):
            first, second, third = (asyncio.ensure_future(esme.request(TEXT)) for _ in range(3))
            await until(lambda: len(slow.asked) == 1)
            second.cancel()
            slow.answer(0)
            await until(lambda: len(slow.asked) == 2)
            slow.answer(1)
            assert await third == await first
            assert (esme.in_flight, esme.room) == (0, 1)

    run(scenario())


def test_who_stops_waiting_at_the_very_moment_of_the_turn_passes_it_on() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, window=1) as (esme, _):
            first, second, third = (asyncio.ensure_future(esme.request(TEXT)) for _ in range(3))
            await until(lambda: len(slow.asked) == 1)
            esme.window.answered(1, SubmitSmResp.command_id, SubmitSmResp("1"))
            esme.window.make_room()
            second.cancel()
            await until(lambda: len(slow.asked) == 2)
            slow.answer(1, message_id="2")
            assert await first == SubmitSmResp("1")
            assert await third == SubmitSmResp("2")
            assert (esme.in_flight, esme.room) == (0, 1)

    run(scenario())


def test_a_request_is_answered_only_when_its_handler_is_through() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(client=slow) as (_, smsc):
            answer = smsc.submit(DeliverSm())
            await until(lambda: bool(slow.asked))
            await asyncio.sleep(0.01)
            assert not answer.done()
            slow.answer(0)
            assert (await answer).status == CommandStatus.ESME_ROK

    run(scenario())


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_handler_that_fails_answers_that_it_did(asynchronous: bool) -> None:
    def fail(_link: Link, _request: Request) -> Response:
        raise RuntimeError("out of order")

    async def fail_later(link: Link, request: Request) -> Response:
        return fail(link, request)

    async def scenario() -> None:
        async with both_ends(client=fail_later if asynchronous else fail) as (_, smsc):
            assert (await smsc.request(DeliverSm())).status == CommandStatus.ESME_RSYSERR

    run(scenario())


def test_a_lost_link_fails_everything_at_once_and_tells_what_left_from_what_did_not() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, window=2) as (esme, smsc):
            answers = [asyncio.ensure_future(esme.request(TEXT)) for _ in range(3)]
            await until(lambda: len(slow.asked) == 2)
            smsc.abort()
            found = await asyncio.gather(*answers, return_exceptions=True)
            assert [type(each) for each in found] == [Lost, Lost, NotSent]
            with pytest.raises(NotSent):
                await esme.request(TEXT)
            await esme.closed()

    run(scenario())


def test_without_a_response_in_time_it_is_known_that_none_came_and_a_late_one_is_heard() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, response_seconds=0.05) as (esme, _):
            with pytest.raises(NoResponse) as none:
                await esme.request(TEXT)
            assert esme.in_flight == 0
            slow.answer(0, message_id="late")
            assert await none.value.late == SubmitSmResp("late")
            with pytest.raises(NoResponse) as none:
                await esme.request(TEXT)
            esme.close()
            with pytest.raises(asyncio.CancelledError):
                await none.value.late

    run(scenario())


def test_silence_is_enquired_after_and_a_dead_link_is_closed() -> None:
    async def scenario() -> None:
        async with both_ends(enquire_seconds=0.02, response_seconds=0.05) as (esme, smsc):
            await asyncio.sleep(0.2)
            assert esme.is_open
            smsc._write = lambda _data: None  # type: ignore[method-assign]
            await esme.closed()
            assert "enquire_link" in esme.why_closed

    run(scenario())


def test_unbind_lets_both_directions_finish() -> None:
    async def scenario() -> None:
        here, there = Slow(), Slow()
        async with both_ends(client=here, server=there) as (esme, smsc):
            submitted, delivered = esme.submit(TEXT), smsc.submit(DeliverSm())
            await until(lambda: bool(here.asked and there.asked))
            leaving = asyncio.ensure_future(esme.unbind())
            await asyncio.sleep(0)
            with pytest.raises(NotSent, match="unbound"):
                await esme.request(TEXT)
            there.answer(0, message_id="1")
            assert (await submitted) == SubmitSmResp("1")
            assert not leaving.done()
            here.answer(0)
            assert (await delivered).status == CommandStatus.ESME_ROK
            await leaving
            await smsc.closed()
            assert smsc.why_closed == "the other side unbound"

    run(scenario())


def test_both_may_unbind_at_the_same_time() -> None:
    async def scenario() -> None:
        async with both_ends() as (esme, smsc):
            await asyncio.gather(esme.unbind(), smsc.unbind())

    run(scenario())


def test_an_unbind_that_is_never_answered_ends_all_the_same() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow, response_seconds=0.05) as (esme, smsc):
            submitted = esme.submit(TEXT)
            smsc._write = lambda _data: None  # type: ignore[method-assign]
            await esme.unbind()
            with pytest.raises((NoResponse, Lost)):
                await submitted

    run(scenario())


def test_nothing_more_is_read_while_too_much_is_unanswered() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(client=slow, unanswered=2, server_options={"window": 50}) as (esme, smsc):
            answers = [smsc.submit(DeliverSm())]
            await until(lambda: len(slow.asked) == 1)
            answers.append(smsc.submit(DeliverSm()))
            await until(lambda: len(slow.asked) == 2)
            answers.append(smsc.submit(DeliverSm()))
            await asyncio.sleep(0.02)
            assert len(slow.asked) == 2
            assert esme.is_open
            slow.answer(0)
            slow.answer(1)
            await until(lambda: len(slow.asked) == 3)
            slow.answer(2)
            await asyncio.gather(*answers)

    run(scenario())


def test_who_reads_nothing_is_sent_no_more_than_the_connection_takes() -> None:
    async def scenario() -> None:
        over = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await over.wait()
            writer.close()

        server = await asyncio.start_server(deaf, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        esme = await connect("127.0.0.1", port, agree, window=100_000)
        large = SubmitSm(tlvs=((Tag.MESSAGE_PAYLOAD, bytes(60_000)),))
        sent = []
        while esme.room:
            sent.append(esme.submit(large))
            await asyncio.sleep(0)
        assert esme.in_flight == len(sent) < 1000
        with pytest.raises(NotSent, match="in time"):
            await esme.request(TEXT, room_seconds=0.02)
        esme.abort()
        assert {type(each.exception()) for each in sent} == {Lost}
        over.set()
        server.close()

    run(scenario())


# What only bytes can say.


async def exchange(data: bytes) -> list[tuple[int, int, int]]:
    """(command, status, sequence) of all that a centre answers to these bytes, until it closes or is silent."""
    answers = []
    async with centre() as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
        writer.write(data)
        try:
            async with asyncio.timeout(0.3):
                while True:
                    header = read_header(await reader.readexactly(HEADER_SIZE))
                    await reader.readexactly(header.length - HEADER_SIZE)
                    answers.append((header.command_id, header.status, header.sequence))
        except (TimeoutError, asyncio.IncompleteReadError):
            pass
        writer.close()
    return answers


def header(length: int, command_id: int, sequence: int) -> bytes:
    return b"".join(part.to_bytes(4, "big") for part in (length, command_id, 0, sequence))


def test_an_unknown_or_broken_request_is_nacked_and_the_next_one_is_heard() -> None:
    data = (
        header(20, 0x4711, 5)
        + b"what"
        + header(16, Command.SUBMIT_SM, 6)
        + header(16, Command.ALERT_NOTIFICATION, 7)
        + encode(EnquireLink(), 8)
    )
    assert run(exchange(data)) == [
        (GenericNack.command_id, CommandStatus.ESME_RINVCMDID, 5),
        (GenericNack.command_id, CommandStatus.ESME_RINVCMDLEN, 6),
        (0x80000015, 0, 8),
    ]


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFFFFFF])
def test_a_length_that_cannot_be_ends_the_link(length: int) -> None:
    answers = run(exchange(header(length, Command.SUBMIT_SM, 5) + encode(EnquireLink(), 8)))
    assert answers == [(GenericNack.command_id, CommandStatus.ESME_RINVCMDLEN, 0)]


def test_pdus_are_found_however_the_bytes_are_cut() -> None:
    async def scenario() -> None:
        heard: list[Request] = []

        def handler(_link: Link, request: Request) -> Response:
            heard.append(request)
            return response_to(request)

        async with centre(handler) as there:
            _, writer = await asyncio.open_connection("127.0.0.1", there.port)
            await until(lambda: bool(there.links))
            data = b"".join(encode(SubmitSm(short_message=b"x" * size), size + 1) for size in (0, 7, 254, 3))
            for size in (1, 3, 17, 400):
                for at in range(0, len(data), size):
                    there.links[0].data_received(data[at : at + size])
            writer.close()
        assert [len(each.short_message) for each in heard if isinstance(each, SubmitSm)] == [0, 7, 254, 3] * 4

    run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        lambda sequence: header(16, 0x80000015, sequence),
        lambda sequence: header(18, 0x80000004, sequence) + b"no",
    ],
)
def test_a_response_that_cannot_be_read_leaves_the_request_in_doubt(answer: Any) -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow) as (esme, smsc):
            submitted = esme.submit(TEXT)
            await until(lambda: bool(slow.asked))
            smsc._write(answer(1))
            with pytest.raises(Lost, match="read"):
                await submitted
            assert esme.is_open

    run(scenario())


def test_a_nack_is_a_response() -> None:
    async def scenario() -> None:
        async with both_ends(server=lambda _link, _request: GenericNack(CommandStatus.ESME_RINVCMDID)) as (esme, _):
            assert await esme.request(TEXT) == GenericNack(CommandStatus.ESME_RINVCMDID)

    run(scenario())


def test_the_other_sides_unbind_waits_for_what_came_before_it() -> None:
    async def scenario() -> None:
        slow = Slow()
        async with both_ends(server=slow) as (esme, smsc):
            submitted = esme.submit(TEXT)
            left = esme._ask(Unbind())
            await until(lambda: bool(slow.asked))
            await asyncio.sleep(0.01)
            assert not left.done()
            assert not smsc.is_open
            slow.answer(0, message_id="1")
            assert await submitted == SubmitSmResp("1")
            await left

    run(scenario())
