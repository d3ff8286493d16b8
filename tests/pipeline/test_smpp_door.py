"""The SMPP door as a process, in front of the whole hub: systems that are not ours send by it and hear of it."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smpp34
import smpplib.client
from django.db import connection

from delivery.models import Message, Provider, Word
from delivery.smpp import receipts
from delivery.smpp.constants import CommandStatus, MessageState, Tag
from delivery.smpp.link import Link, LinkError, connect
from delivery.smpp.pdu import BindTransceiver, DeliverSm, MessageIdResp, Request, Response, SubmitSm, response_to
from delivery.smpp.text import encode
from tests.hub import SENDER, Hub, wait_for
from tests.kannel import DELIVERED, FAILED, Operator, kannel, require
from tests.pipeline.scenes import text_from
from tests.smpp_door.conftest import Account, make_account, run, submit_sm

pytestmark = pytest.mark.pipeline

LONG = "Your order has left our house and will be with you tomorrow, between nine and eleven. " * 4


@pytest.fixture(scope="module")
def opened(running_hub: Hub) -> Iterator[None]:
    running_hub.start_one("smpp-door")
    running_hub.wait_healthy("smpp-door")
    yield
    running_hub.processes.discard("smpp-door")


@pytest.fixture
def provider(hub: Hub, opened: None) -> Provider:
    return hub.provider()


@pytest.fixture
def account(provider: Provider) -> Account:
    return make_account(provider.senders.get())


def submitted(response: Response) -> str:
    assert isinstance(response, MessageIdResp)
    assert response.status == CommandStatus.ESME_ROK
    return response.message_id


def test_kannel_sends_through_the_hub_and_hears_what_became_of_it(
    hub: Hub, provider: Provider, account: Account, tmp_path: Path
) -> None:
    require()
    hub.carrier.set_faults(receipt_delay_ms=50)
    operator = Operator("hub", hub.door_port, account.login.system_id, account.password)
    with kannel(tmp_path, [operator]) as box:
        box.send("+14155550100", "Your table is ready.", sender=SENDER, tag="short")
        box.send("+14155550101", LONG, sender=SENDER, tag="long")
        box.wait_for(lambda: DELIVERED in box.types("short"))
        box.wait_for(lambda: DELIVERED in box.types("long"))
        hub.carrier.set_faults(receipt_delay_ms=50, error_mix={"30006": 1.0})
        box.send("+14155550102", "To a landline.", sender=SENDER, tag="failed")
        box.wait_for(lambda: FAILED in box.types("failed"))
        bodies = {entry["to"]: entry["body"] for entry in hub.carrier.ledger()}
        assert (bodies["+14155550100"], bodies["+14155550101"]) == ("Your table is ready.", LONG)

        assert text_from(hub, provider, "+14155550100", "Thank you!") == 200
        box.wait_for(lambda: box.texts)
        assert [(text["from"], text["to"], text["text"]) for text in box.texts] == [
            ("+14155550100", SENDER, "Thank you!")
        ]
    wait_for(lambda: not Word.objects.exists(), seconds=5, what="all word to be acknowledged")
    assert not hub.carrier.duplicates()


def test_clients_of_smpp34_and_smpplib_send_and_hear_of_it(hub: Hub, account: Account) -> None:
    logging.getLogger("smpplib").setLevel(logging.CRITICAL)

    async def of_smpp34() -> list[str]:
        client = smpp34.Client("127.0.0.1", hub.door_port, account.login.system_id, account.password)
        session = await client.connect()
        sent = await session.submit_sm(
            "14155550100", b"By smpp34", source_addr=SENDER[1:], dest_addr_ton=1, registered_delivery=1, tlvs=[]
        )
        event: Any = await session.next()
        await session.unbind()
        await client.stop()
        return [sent.message_id, bytes(event.short_message).decode()]

    def of_smpplib() -> list[str]:
        found: list[str] = []
        esme = smpplib.client.Client("127.0.0.1", hub.door_port, allow_unknown_opt_params=True)
        esme.set_message_sent_handler(lambda pdu: found.append(pdu.message_id.decode()))
        esme.set_message_received_handler(lambda pdu: found.append(pdu.short_message.decode()))
        esme.connect()
        esme.bind_transceiver(system_id=account.login.system_id, password=account.password)
        esme.send_message(
            source_addr=SENDER[1:],
            dest_addr_ton=1,
            destination_addr="14155550101",
            short_message=b"By smpplib",
            esm_class=0,
            registered_delivery=1,
        )
        while len(found) < 2:
            esme.read_once()
        esme.unbind()
        esme.disconnect()
        return found

    async def both() -> list[list[str]]:
        # One after the other: receipts come over any bind of a login.
        return [await of_smpp34(), await asyncio.to_thread(of_smpplib)]

    for message_id, receipt in run(both()):
        assert f"id:{message_id} " in receipt
        assert "stat:DELIVRD err:000" in receipt
    assert {entry["body"] for entry in hub.carrier.ledger()} == {"By smpp34", "By smpplib"}


def test_the_door_killed_between_its_commit_and_its_answer(hub: Hub, account: Account) -> None:
    """What has no answer is submitted again under its reference: whatever was committed, each text is one message."""
    hub.carrier.set_faults(receipt_delay_ms=50)
    long = [
        submit_sm(part.short_message, esm_class=part.esm_class, destination_addr="14155550999")
        for part in encode(LONG, reference=7).parts
    ]
    short = [submit_sm(b"Number %d" % n, destination_addr=f"1415555{n:04}") for n in range(100, 200)]
    requests = [named(request, n) for n, request in enumerate([*short, *long], 1)]

    async def first() -> None:
        link = await bound(hub, account, [])
        for request in requests:
            link.submit(request)
        while not await asyncio.to_thread(committed):
            await asyncio.sleep(0)
        # The client is gone at the same moment, with whatever answers it may have been sent.
        link.abort()
        hub.kill("smpp-door")

    async def again() -> tuple[list[str], list[DeliverSm]]:
        heard: list[DeliverSm] = []
        link = await bound(hub, account, heard)
        ids = [submitted(await link.request(request)) for request in requests]
        async with asyncio.timeout(20):
            while len({each.message_id for pdu in heard if (each := receipts.read(pdu))}) < len(requests):
                await asyncio.sleep(0.05)
        await link.unbind()
        return ids, heard

    run(first())
    before = Message.objects.count()
    hub.wait_healthy("smpp-door")
    ids, heard = run(again())

    assert before > 0
    assert Message.objects.count() == len(short) + 1
    assert len(set(ids)) == len(requests)
    assert {each.message_id for pdu in heard if (each := receipts.read(pdu))} == set(ids)
    assert {each.state for pdu in heard if (each := receipts.read(pdu))} == {MessageState.DELIVERED}
    assert not hub.carrier.duplicates()
    assert hub.carrier.summary()["accepted"] == len(short) + 1


def test_what_the_door_logs_has_no_number_no_text_and_no_password(hub: Hub, account: Account) -> None:
    async def scenario() -> None:
        link = await bound(hub, account, [])
        submitted(
            await link.request(
                submit_sm(b"The secret of the log is a walrus.", source_addr=SENDER[1:], destination_addr="14155550177")
            )
        )
        await link.request(submit_sm(b"A walrus", destination_addr="4155550177", dest_addr_ton=5))
        await link.unbind()
        stranger = await connect("127.0.0.1", hub.door_port, lambda _link, request: response_to(request))
        await stranger.request(BindTransceiver("4155550177", "walrus"))
        stranger.abort()

    run(scenario())
    log = hub.log("smpp-door")
    assert "smpp_bind_refused" in log
    for secret in ("4155550177", "walrus", account.password):
        assert secret not in log


async def bound(hub: Hub, account: Account, heard: list[DeliverSm]) -> Link:
    def handler(_link: Link, request: Request) -> Response:
        if isinstance(request, DeliverSm):
            heard.append(request)
        return response_to(request)

    async with asyncio.timeout(20):
        while True:
            try:
                link = await connect("127.0.0.1", hub.door_port, handler, window=1000, response_seconds=15)
                assert (await link.request(account.bind())).status == CommandStatus.ESME_ROK
                return link
            except (OSError, LinkError):  # it has only just been killed, or started
                await asyncio.sleep(0.1)


def named(request: SubmitSm, number: int) -> SubmitSm:
    return submit_sm(
        request.short_message,
        esm_class=request.esm_class,
        destination_addr=request.destination_addr,
        source_addr=SENDER[1:],
        tlvs=((Tag.USER_MESSAGE_REFERENCE, number.to_bytes(2, "big")),),
    )


def committed() -> bool:
    try:
        return Message.objects.exists()
    finally:
        connection.close()
