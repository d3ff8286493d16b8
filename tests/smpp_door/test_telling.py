"""Receipts and incoming texts over the bind: kept until acknowledged, told at least once, the latest of each."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from delivery.inbound.store import store
from delivery.models import Inbound, Message, Word
from delivery.providers.base import InboundText
from delivery.receipts.evidence import Evidence, apply
from delivery.smpp import receipts as reading
from delivery.smpp.constants import CommandStatus, MessageState
from delivery.smpp.pdu import BindReceiver, BindTransmitter, DeliverSm
from delivery.smpp.reassembly import Reassembly
from delivery.smpp.text import decode, encode, taken_apart
from delivery.states import Status
from smshub.smpp_door import long_texts
from smshub.smpp_door import receipts as written
from tests.factories import SuppressionFactory
from tests.smpp_door.conftest import Account, in_database, make_account, open_door, run, submit_sm, until
from tests.smpp_door.test_submitting import LONG, id_of


async def end(message_id: str, status: Status = Status.DELIVERED, reason: str = "") -> None:
    found = Evidence(UUID(message_id[:36]), 1, "SM1", status, reason, "30005", timezone.now(), "receipt")
    await in_database(lambda: in_a_transaction(lambda: apply([found])))


def in_a_transaction(work: Any) -> Any:
    with transaction.atomic():
        return work()


async def owed() -> int:
    return await in_database(Word.objects.count)


async def nothing_owed() -> None:
    for _ in range(500):
        if not await owed():
            return
    raise AssertionError("still owed")


def test_a_receipt_says_what_became_of_the_message(account: Account) -> None:
    async def scenario() -> tuple[str, DeliverSm]:
        async with open_door() as place, place.bound(account) as system:
            message_id = id_of(await system.submit())
            await end(message_id)
            await until(lambda: system.heard)
            await nothing_owed()
            return message_id, system.heard[0]

    message_id, receipt = run(scenario())
    assert reading.read(receipt) == reading.Report(message_id, MessageState.DELIVERED)
    assert (receipt.source_addr, receipt.destination_addr) == ("14155550123", account.sender.address[1:])
    assert b"sub:001 dlvrd:001" in receipt.short_message
    assert b"stat:DELIVRD err:000" in receipt.short_message


def test_only_what_was_asked_for_is_told(account: Account) -> None:
    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as system:
            never, on_failure, failed = [id_of(await system.submit(registered_delivery=wanted)) for wanted in (0, 2, 2)]
            await end(never)
            await end(on_failure)
            await end(failed, Status.UNDELIVERED, "blocked")
            await until(lambda: system.heard)
            await nothing_owed()
            reports = [reading.read(receipt) for receipt in system.heard]
            assert [(each.message_id, each.state, each.error) for each in reports if each] == [
                (failed, MessageState.UNDELIVERABLE, "4")
            ]
            return [each.message_id for each in reports if each]

    assert len(run(scenario())) == 1


def test_a_failure_that_is_tried_again_is_no_end(account: Account) -> None:
    async def scenario() -> int:
        async with open_door() as place, place.bound(account) as system:
            await end(id_of(await system.submit()), Status.UNDELIVERED, "unreachable")
            assert await in_database(lambda: Message.objects.get().status) == "held"
            await nothing_owed()
            return len(system.heard)

    assert run(scenario()) == 0


def test_what_never_leaves_is_told_as_well(account: Account) -> None:
    SuppressionFactory(phone="+14155550123")

    async def scenario() -> reading.Report | None:
        async with open_door() as place, place.bound(account) as system:
            await system.submit()
            await until(lambda: system.heard)
            return reading.read(system.heard[0])

    report = run(scenario())
    assert report is not None
    assert (report.state, report.error) == (MessageState.REJECTED, str(written.ERROR["opted_out"]))


def test_receipts_wait_for_a_bind_that_hears_and_come_over_any(account: Account) -> None:
    async def scenario() -> int:
        async with open_door() as place:
            async with place.bound(account, kind=BindTransmitter) as transmitter:
                ids = [id_of(await transmitter.submit()) for _ in range(3)]
                for each in ids:
                    await end(each)
                async with place.bound(account, kind=BindReceiver) as receiver:
                    await until(lambda: len(receiver.heard) == 3)
                assert transmitter.heard == []
            await nothing_owed()
            return len(ids)

    assert run(scenario()) == 3


def test_what_is_not_acknowledged_is_told_again_and_what_is_refused_for_good_is_not(account: Account) -> None:
    async def scenario() -> list[int]:
        async with open_door() as place, place.bound(account) as system:
            first = id_of(await system.submit())
            system.answers = [CommandStatus.ESME_RX_T_APPN]
            await end(first)
            await until(lambda: system.heard)
            until_tried = [await owed()]
            for _ in range(200):
                if await in_database(Word.objects.filter(tries=1).exists):
                    break
            await in_database(lambda: Word.objects.update(not_before=timezone.now()))
            await until(lambda: len(system.heard) == 2)
            await nothing_owed()
            second = id_of(await system.submit())
            system.answers = [CommandStatus.ESME_RX_P_APPN]
            await end(second)
            await until(lambda: len(system.heard) == 3)
            await nothing_owed()
            return until_tried

    assert run(scenario()) == [1]


def test_a_connection_that_is_lost_before_it_acknowledges_has_it_again_on_the_next(account: Account) -> None:
    async def scenario() -> list[str]:
        async with open_door() as place:
            async with place.bound(account) as system:
                message_id = id_of(await system.submit())
                # It hears, and is gone before it answers.
                system.link.handler = lambda link, request: link.abort()  # type: ignore[assignment]
                await end(message_id)
                await system.link.closed()
            assert await owed() == 1
            async with place.bound(account) as system:
                await until(lambda: system.heard)
                await nothing_owed()
                report = reading.read(system.heard[0])
                return [message_id, report.message_id if report else ""]

    message_id, told = run(scenario())
    assert message_id == told


def test_each_part_that_asked_has_a_receipt_of_its_own(account: Account) -> None:
    parts = [submit_sm(part.short_message, esm_class=part.esm_class) for part in encode(LONG, reference=7).parts]

    async def scenario() -> tuple[list[str], list[str]]:
        async with open_door() as place, place.bound(account) as system:
            ids = [id_of(await system.ask(part)) for part in parts]
            await end(ids[0])
            await until(lambda: len(system.heard) == 3)
            await nothing_owed()
            return ids, [report.message_id for each in system.heard if (report := reading.read(each))]

    ids, told = run(scenario())
    assert sorted(ids) == sorted(told)


def test_a_text_that_never_becomes_whole_is_closed_and_told(account: Account) -> None:
    part = encode(LONG, reference=7).parts[0]

    async def scenario() -> reading.Report | None:
        async with open_door() as place, place.bound(account) as system:
            await system.submit(part.short_message, esm_class=part.esm_class)
            later = timezone.now() + timezone.timedelta(seconds=long_texts.PARTS_SECONDS + 1)
            assert await in_database(lambda: long_texts.close_old(now=later)) == 1
            await until(lambda: system.heard)
            return reading.read(system.heard[0])

    report = run(scenario())
    assert report is not None
    assert (report.state, report.error) == (MessageState.REJECTED, str(written.ERROR["incomplete"]))


def test_texts_to_its_senders_are_delivered_to_it_and_to_nobody_else(account: Account) -> None:
    stranger = make_account(account.sender, system_id="deaf", scopes=["messages:write"])
    body = "Merci beaucoup, à demain! " * 10

    async def scenario() -> tuple[list[DeliverSm], int]:
        async with open_door() as place, place.bound(account) as system, place.bound(stranger) as deaf:
            text = InboundText("MO1", "+14155550199", account.sender.address, body)
            assert await in_database(lambda: store(account.sender.provider_id, text))
            assert not await in_database(lambda: store(account.sender.provider_id, text)), "it came twice"
            elsewhere = InboundText("MO2", "+14155550199", "+16505559999", "Not for it")
            await in_database(lambda: store(account.sender.provider_id, elsewhere))
            await until(lambda: len(system.heard) == 2)
            await nothing_owed()
            return system.heard, len(deaf.heard)

    heard, overheard = run(scenario())
    assert overheard == 0
    texts: Reassembly[str] = Reassembly(seconds=60)
    whole = []
    for pdu in heard:
        assert (pdu.source_addr, pdu.destination_addr) == ("14155550199", account.sender.address[1:])
        data, concat = taken_apart(pdu)
        assert concat is not None
        whole = texts.add("them", concat, decode(data, pdu.data_coding), now=0).in_order()
    assert "".join(filter(None, whole)) == body
    assert Inbound.objects.count() == 2


def test_a_system_of_an_older_version_is_sent_no_optional_parameters(account: Account) -> None:
    async def scenario() -> DeliverSm:
        async with open_door() as place, place.bound(account, interface_version=0x33) as system:
            await end(id_of(await system.submit()))
            await until(lambda: system.heard)
            return system.heard[0]

    assert run(scenario()).tlvs == ()
