"""Receipts as operators give them: their dialects, their ids, their ways, and their second delivery."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from simulator.smsc.receipts import DIALECTS
from tests.simulator.conftest import Running, until
from tests.simulator.esme import SYSTEM_ID, Command, Esme

Connect = Callable[[], Esme]

TEMPORARY, PERMANENT, REJECTED = 0x64, 0x65, 0x66


def acknowledged(carrier: Running) -> list[list[str]]:
    return [entry["acknowledged"] for entry in carrier.control.entries()]


def text(receipt: Command) -> str:
    return (receipt.short_message or receipt.message_payload or b"").decode()


# How they are written.


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_each_dialect_tells_the_id_and_the_state(carrier: Running, esme: Esme, dialect: str):
    carrier.control.set_faults(smpp_receipt_text=dialect, smpp_receipt_tlvs=dialect == "empty")
    sid = esme.send_and_hear(text="A text of more than twenty characters").message_id.decode()
    [receipt] = esme.deliveries(1)

    said = text(receipt)
    if dialect == "empty":
        assert (said, receipt.receipted_message_id.decode(), receipt.message_state) == ("", sid, 2)
        return
    assert receipt.receipted_message_id is None
    assert re.search(rf"\bid:{sid}\b.*\bstat:DELIVRD\b", said, re.IGNORECASE)
    assert ("err:" in said.lower()) == (dialect not in ("no_err", "terse"))
    assert said.endswith("A text of more than ") or dialect == "terse"
    dates = re.findall(r"date:(\d+)", said, re.IGNORECASE)
    assert {len(date) for date in dates} == {"seconds": {12}, "century": {14}, "terse": set()}.get(dialect, {10})
    assert bool(receipt.message_payload) == (dialect == "payload")


def test_receipts_may_come_as_data_sm(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_receipt_data_sm=True)
    sid = esme.send_and_hear().message_id.decode()
    [receipt] = esme.deliveries(1)
    assert receipt.command == "data_sm"
    assert receipt.message_payload.startswith(f"id:{sid} ".encode())
    until(lambda: acknowledged(carrier) == [["delivered"]])


@pytest.mark.parametrize(
    ("answers", "receipts"),
    [("dec", "hex"), ("hex", "dec"), ("HEX16", ""), ("hex", "HEX20"), ("dec20", "dec"), ("opaque", "")],
)
def test_ids_are_written_one_way_or_another(carrier: Running, esme: Esme, answers: str, receipts: str):
    carrier.control.set_faults(smpp_ids=answers, smpp_receipt_ids=receipts)
    told = esme.send_and_hear().message_id.decode()
    [receipt] = esme.deliveries(1)
    again = receipt.receipted_message_id.decode()

    def number(written: str, form: str) -> int:
        return int(written, 10 if form.startswith("dec") else 16)

    assert carrier.control.ledger()[0]["sid"] == told
    if answers == "opaque":
        assert told == again
        assert "-" in told
        return
    receipts = receipts or answers
    assert number(told, answers) == number(again, receipts)
    for written, form in ((told, answers), (again, receipts)):
        assert not form[3:] or len(written) == int(form[3:])
        assert written == (written.upper() if form.startswith("HEX") else written.lower())


@pytest.mark.parametrize(("word", "state"), [("EXPIRED", 3), ("DELETED", 4), ("UNKNOWN", 7), ("REJECTD", 8)])
def test_a_failure_may_have_many_names(carrier: Running, esme: Esme, word: str, state: int):
    carrier.control.set_faults(smpp_failed_state=word, error_mix={"1": 1.0})
    esme.send_and_hear()
    [receipt] = esme.deliveries(1)
    assert f"stat:{word} err:001" in text(receipt)
    assert receipt.message_state == state


# When they come.


def test_an_early_receipt_is_there_before_the_answer(carrier: Running, esme: Esme):
    carrier.control.set_faults(receipts_early_share=1)
    esme.send_and_hear()
    assert [pdu.command for pdu in esme.heard] == ["deliver_sm", "submit_sm_resp"]


def test_an_early_receipt_on_another_bind_is_before_the_answer_too(carrier: Running, connect: Connect):
    carrier.control.set_faults(receipts_early_share=1)
    sender, receiver = connect().bind("transmitter"), connect().bind("receiver")
    sequence = sender.submit()
    receiver.deliveries(1)
    assert sender.answer(sequence).status == 0


def test_an_early_receipt_that_nobody_takes_does_not_hold_the_answer_back(carrier: Running, connect: Connect):
    carrier.control.set_faults(receipts_early_share=1)
    assert connect().bind("transmitter").send_and_hear().status == 0


def test_lost_and_doubled_receipts(carrier: Running, esme: Esme):
    carrier.control.set_faults(receipts_lost_share=1)
    esme.send_and_hear()
    until(lambda: carrier.control.stats()["receipts_lost"] == 1)

    carrier.control.set_faults(receipts_lost_share=0, receipts_doubled_share=1)
    esme.send_and_hear()
    first, second = esme.deliveries(2)
    assert first.receipted_message_id == second.receipted_message_id
    until(lambda: acknowledged(carrier) == [[], ["delivered", "delivered"]])


def test_reordered_receipts_tell_the_end_before_the_middle(carrier: Running, esme: Esme):
    carrier.control.set_faults(receipts_reordered_share=1)
    esme.send_and_hear(registered_delivery=0x11)
    assert [pdu.message_state for pdu in esme.deliveries(2)] == [2, 1]


def test_reordered_receipts_come_after_those_of_later_messages(carrier: Running, esme: Esme):
    carrier.control.set_faults(receipts_reordered_share=0.5)
    sequences = [esme.submit() for _ in range(20)]
    ids = [esme.answer(sequence).message_id for sequence in sequences]
    told = [receipt.receipted_message_id for receipt in esme.deliveries(20)]
    assert told != ids
    assert sorted(told) == ids


# Which way they come.


@pytest.mark.parametrize("way", ["same", "other"])
def test_receipts_take_the_bind_of_their_submit_or_another(carrier: Running, connect: Connect, way: str):
    carrier.control.set_faults(smpp_receipts_to=way)
    sender, other = connect().bind(), connect().bind()
    for _ in range(6):
        sender.send_and_hear()
    assert len((sender if way == "same" else other).deliveries(6)) == 6


def test_receipts_take_any_bind_in_turn(carrier: Running, connect: Connect):
    sender, other = connect().bind(), connect().bind()
    for _ in range(6):
        sender.send_and_hear()
    assert len(other.deliveries(3)) == len(sender.deliveries(3)) == 3


def test_receipts_are_kept_until_somebody_can_take_them(carrier: Running, connect: Connect):
    sender = connect().bind("transmitter")
    ids = [sender.send_and_hear().message_id for _ in range(3)]
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["kept"] == 3)

    receiver = connect().bind("receiver")

    assert [receipt.receipted_message_id for receipt in receiver.deliveries(3)] == ids
    until(lambda: acknowledged(carrier) == [["delivered"]] * 3)


def test_receipts_beyond_the_window_wait(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_deliver_window=2)
    esme.acknowledge = lambda pdu: None
    for _ in range(5):
        esme.send_and_hear()
    waiting = esme.deliveries(2)
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["kept"] == 3)
    assert carrier.control.smsc()["accounts"][SYSTEM_ID]["binds"][0]["unacknowledged"] == 2

    esme.acknowledge = lambda pdu: 0
    for pdu in waiting:
        esme.reply(pdu)
    esme.deliveries(5)
    until(lambda: acknowledged(carrier) == [["delivered"]] * 5)


# When they are not taken.


def test_what_is_not_acknowledged_is_delivered_again(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_ack_seconds=0.1)
    answers: list[int | None] = [None, None, 0]
    esme.acknowledge = lambda pdu: answers.pop(0)
    esme.send_and_hear()
    receipts = esme.deliveries(3)
    assert len({receipt.receipted_message_id for receipt in receipts}) == 1
    assert len({receipt.sequence for receipt in receipts}) == 3
    until(lambda: acknowledged(carrier) == [["delivered"]])
    assert carrier.control.stats()["callbacks_retried"] == 2


def test_what_was_on_its_way_when_the_link_ended_comes_over_the_next(carrier: Running, connect: Connect):
    first = connect().bind()
    first.acknowledge = lambda pdu: None
    ids = [first.send_and_hear().message_id for _ in range(3)]
    first.deliveries(3)
    first.close()

    second = connect().bind()

    assert [receipt.receipted_message_id for receipt in second.deliveries(3)] == ids
    until(lambda: acknowledged(carrier) == [["delivered"]] * 3)


@pytest.mark.parametrize(
    ("status", "deliveries", "outcome"), [(TEMPORARY, 2, ["delivered"]), (PERMANENT, 1, []), (REJECTED, 1, [])]
)
def test_an_error_that_may_pass_brings_it_again(
    carrier: Running, esme: Esme, status: int, deliveries: int, outcome: list[Any]
):
    carrier.control.set_faults(smpp_redeliver_seconds=0.1)
    answers: list[int | None] = [status, 0]
    esme.acknowledge = lambda pdu: answers.pop(0)
    esme.send_and_hear()
    esme.deliveries(deliveries)
    until(lambda: carrier.control.stats()["callbacks_pending"] == 0)
    assert acknowledged(carrier) == [outcome]
    assert carrier.control.stats()["callbacks_failed"] == (1 if outcome == [] else 0)
