"""Our link at one end, somebody else's SMPP at the other."""

import asyncio
import logging
from typing import Any

import pytest
import smpp34
import smpplib.client
import smpplib.consts

from delivery.smpp.constants import CommandStatus, Tag
from delivery.smpp.link import Link, connect
from delivery.smpp.pdu import (
    Bind,
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    c_string_tlv,
    response_to,
)
from tests.delivery.smpp.ends import centre, free_port, run, until

RECEIPT = DeliverSm(
    source_addr="14155550123",
    destination_addr="12345",
    source_addr_ton=1,
    source_addr_npi=1,
    dest_addr_ton=1,
    dest_addr_npi=1,
    esm_class=0x04,
    short_message=b"id:1 stat:DELIVRD err:000",
    tlvs=(c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, "1"),),
)


class Operator:
    """A handler that keeps what it was sent, and refuses one number."""

    def __init__(self) -> None:
        self.taken: list[SubmitSm] = []

    def __call__(self, _link: Link, request: Request) -> Response:
        if isinstance(request, Bind) and request.password != "secret":
            return response_to(request, CommandStatus.ESME_RINVPASWD)
        if not isinstance(request, SubmitSm):
            return response_to(request)
        if request.destination_addr == "0":
            return response_to(request, CommandStatus.ESME_RINVDSTADR)
        self.taken.append(request)
        return SubmitSmResp(str(len(self.taken)))


def test_our_client_and_the_server_of_smpp34() -> None:
    async def scenario() -> None:
        port = free_port()
        server = smpp34.Server("127.0.0.1", port)
        await server.start()
        heard: list[Request] = []

        def handler(_link: Link, request: Request) -> Response:
            heard.append(request)
            return response_to(request)

        link = await connect("127.0.0.1", port, handler, window=5)
        bound = await link.request(BindTransceiver("hub", "secret"))
        assert bound.status == CommandStatus.ESME_ROK
        session: Any = await server.next()
        for number, text in enumerate([b"Hello", bytes(range(254))]):
            sent = asyncio.ensure_future(link.request(SubmitSm(destination_addr="14155550123", short_message=text)))
            event: Any = await server.next()
            assert (event.destination_addr, bytes(event.short_message)) == ("14155550123", text)
            event.accept(f"id-{number}")
            assert await sent == SubmitSmResp(f"id-{number}")
        sent = asyncio.ensure_future(link.request(SubmitSm(destination_addr="0")))
        event = await server.next()
        event.reject(smpp34.ESME_RINVDSTADR)
        assert (await sent).status == CommandStatus.ESME_RINVDSTADR
        answer = await session.deliver_sm(
            "12345",
            RECEIPT.short_message,
            source_addr=RECEIPT.source_addr,
            source_addr_ton=1,
            source_addr_npi=1,
            dest_addr_ton=1,
            dest_addr_npi=1,
            esm_class=4,
            tlvs=[smpp34.Tlv(*each) for each in RECEIPT.tlvs],
        )
        assert answer.is_success
        assert heard == [RECEIPT]
        assert (await link.request(EnquireLink())).status == CommandStatus.ESME_ROK
        await link.unbind()
        assert isinstance(await server.next(), smpp34.Unbound)
        await server.stop()

    run(scenario())


def test_the_client_of_smpp34_and_our_server() -> None:
    async def scenario() -> None:
        operator = Operator()
        async with centre(operator) as here:
            with pytest.raises(smpp34.SmppError):
                await smpp34.Client("127.0.0.1", here.port, "hub", "wrong", connect_timeout_ms=200).connect()
            client = smpp34.Client("127.0.0.1", here.port, "hub", "secret")
            session = await client.connect()
            answers = await asyncio.gather(
                *[session.submit_sm("14155550123", b"Hello %d" % number, tlvs=[]) for number in range(20)]
            )
            assert {answer.message_id for answer in answers} == {str(number) for number in range(1, 21)}
            refused = await session.submit_sm("0", b"Hello")
            assert refused.command_status == CommandStatus.ESME_RINVDSTADR
            delivered = asyncio.ensure_future(here.links[-1].request(RECEIPT))
            event: Any = await session.next()
            assert bytes(event.short_message) == RECEIPT.short_message
            assert [(tlv.tag, bytes(tlv.value)) for tlv in event.tlvs] == list(RECEIPT.tlvs)
            assert (await delivered).status == CommandStatus.ESME_ROK
            await session.unbind()
            await client.stop()
            await here.links[-1].closed()

    run(scenario())


def test_the_client_of_smpplib_and_our_server() -> None:
    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    answered, delivered = [], []

    def client(port: int) -> None:
        """It blocks, so it lives in a thread."""
        esme = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
        esme.set_message_sent_handler(lambda pdu: answered.append((pdu.status, pdu.message_id)))
        esme.set_message_received_handler(lambda pdu: delivered.append(pdu.short_message))
        esme.connect()
        esme.bind_transceiver(system_id="hub", password="secret")
        for text in (b"One", b"Two"):
            esme.send_message(
                source_addr="12345", dest_addr_ton=1, destination_addr="14155550123", short_message=text, esm_class=0
            )
            esme.read_once()
        esme.read_once()
        esme.unbind()
        esme.disconnect()

    async def scenario() -> None:
        operator = Operator()
        async with centre(operator) as here:
            working = asyncio.ensure_future(asyncio.to_thread(client, here.port))
            await until(lambda: len(operator.taken) == 2)
            assert (await here.links[0].request(RECEIPT)).status == CommandStatus.ESME_ROK
            await working
        assert [each.short_message for each in operator.taken] == [b"One", b"Two"]

    run(scenario())
    assert answered == [(0, b"1"), (0, b"2")]
    assert delivered == [RECEIPT.short_message]


def test_smpplib_reads_what_we_write() -> None:
    import smpplib.smpp

    from delivery.smpp.codec import encode

    raw = encode(SubmitSm(source_addr="hub", destination_addr="14155550123", short_message=b"Hi", data_coding=8), 9)
    client = smpplib.client.Client("127.0.0.1", 1, allow_unknown_opt_params=True)
    theirs = smpplib.smpp.parse_pdu(raw, client=client, allow_unknown_opt_params=True)
    assert (theirs.command, theirs.sequence, theirs.short_message, theirs.data_coding) == ("submit_sm", 9, b"Hi", 8)
    assert smpplib.smpp.parse_pdu(encode(Unbind(), 3), client=client).command == "unbind"
