"""What the service centre takes and what the ledger has of it, asked by a client that is not ours."""

from collections.abc import Callable
from typing import Any

import pytest
from smpplib.consts import SMPP_CLIENT_STATE_BOUND_TX

from simulator.client import texts
from tests.simulator.conftest import Running, until
from tests.simulator.esme import SYSTEM_ID, Esme

Connect = Callable[[], Esme]

RINVBNDSTS, RINVSRCADR, RINVDSTADR, RMSGQFUL, RSUBMITFAIL, RINVEXPIRY = 0x04, 0x0A, 0x0B, 0x14, 0x45, 0x62


def test_a_submit_stands_in_the_ledger_and_its_receipt_comes(carrier: Running, esme: Esme):
    answer = esme.send_and_hear(text="Hello", user_message_reference=77)
    [receipt] = esme.deliveries(1)

    assert answer.status == 0
    assert receipt.receipted_message_id == answer.message_id
    assert (receipt.esm_class, receipt.message_state) == (0x04, 2)
    assert receipt.short_message.startswith(b"id:" + answer.message_id + b" sub:001 dlvrd:001 submit date:")
    assert b" stat:DELIVRD err:000 text:Hello" in receipt.short_message
    assert (receipt.source_addr, receipt.destination_addr) == (b"14155550100", b"15005550006")
    until(lambda: carrier.control.ledger()[0]["acknowledged"] == ["delivered"])
    [entry] = carrier.control.ledger()
    assert (entry["sid"], entry["account"], entry["to"], entry["from"]) == (
        answer.message_id.decode(), SYSTEM_ID, "+14155550100", "+15005550006",
    )  # fmt: skip
    assert (entry["body"], entry["segments"], entry["part"], entry["reference"]) == ("Hello", 1, None, "77")
    assert carrier.control.stats()["callbacks_pending"] == 0


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        (b"\x00 \x02\x1b\x65 \x11\x7f", {}, "@ $€ _à"),
        ("Ünïcode 🛑".encode("utf-16-be"), {"data_coding": 8}, "Ünïcode 🛑"),
        ("Grüße".encode("latin-1"), {"data_coding": 3}, "Grüße"),
        (b"half an escape \x1b", {}, "half an escape �"),
        ("half a pair ".encode("utf-16-be") + b"\xd8\x3d", {"data_coding": 8}, "half a pair �"),
    ],
)
def test_texts_are_read_in_their_alphabet(carrier: Running, esme: Esme, text: bytes, fields: dict[str, Any], body: str):
    assert esme.send_and_hear(text=text, **fields).status == 0
    assert carrier.control.ledger()[0]["body"] == body


def test_the_default_alphabet_may_be_latin(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_alphabet="latin1")
    esme.send_and_hear(text="Grüße".encode("latin-1"))
    assert carrier.control.ledger()[0]["body"] == "Grüße"


_SAR = {"sar_msg_ref_num": 9, "sar_total_segments": 2}
_UDH8, _UDH16 = b"\x05\x00\x03\x09\x02", b"\x06\x08\x04\x00\x09\x02"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"text": _UDH8 + b"\x01one, ", "esm_class": 0x40}, {"text": _UDH8 + b"\x02two", "esm_class": 0x40}),
        ({"text": _UDH16 + b"\x01one, ", "esm_class": 0x40}, {"text": _UDH16 + b"\x02two", "esm_class": 0x40}),
        (
            {"text": "one, ", "sar_segment_seqnum": 1, **_SAR},
            {"text": "two", "sar_segment_seqnum": 2, **_SAR},
        ),
    ],
)
def test_parts_are_told_and_can_be_put_together(
    carrier: Running, esme: Esme, first: dict[str, Any], second: dict[str, Any]
):
    esme.send_and_hear(**second)
    assert [text.complete for text in carrier.control.texts()] == [False]
    esme.send_and_hear(**first)

    assert [entry["part"] for entry in carrier.control.entries()] == [
        {"reference": 9, "number": 2, "total": 2}, {"reference": 9, "number": 1, "total": 2},
    ]  # fmt: skip
    [text] = texts(carrier.control.entries())
    assert (text.body, text.complete, text.copies, len(text.sids)) == ("one, two", True, 1, 2)
    assert carrier.control.duplicates() == []

    esme.send_and_hear(**first)
    [text] = carrier.control.texts()
    assert (text.body, text.copies) == ("one, two", 2)
    assert [repeated["body"] for repeated in carrier.control.duplicates()] == ["one, "]


def test_a_payload_may_be_long(carrier: Running, esme: Esme):
    assert esme.send_and_hear(text=b"", message_payload=b"x" * 400).status == 0
    [entry] = carrier.control.ledger()
    assert (entry["body"], entry["segments"], entry["part"]) == ("x" * 400, 3, None)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"destination_addr": "abc"}, RINVDSTADR),
        ({"destination_addr": "15005550001"}, RINVDSTADR),
        ({"destination_addr": "15005550002"}, RSUBMITFAIL),
        ({"destination_addr": "15005550003"}, 0x443),
        ({"source_addr": "15005550007"}, RINVSRCADR),
        ({"source_addr": "15005550008"}, RMSGQFUL),
        ({"source_addr": "much too long a name", "source_addr_ton": 5}, RINVSRCADR),
        ({"text": b"x" * 161}, 0x01),
        ({"text": b"x" * 142, "data_coding": 8}, 0x01),
        ({"text": b"x" * 161, "data_coding": 3}, 0x01),
        ({"text": b"\xff" * 71, "data_coding": 3}, 0x01),
        ({"text": b"x" * 154, "sar_segment_seqnum": 1, **_SAR}, 0x01),
        ({"text": _UDH8 + b"\x03x", "esm_class": 0x40}, 0x01),
        ({"text": b"\x30\x00", "esm_class": 0x40}, 0x01),
        ({"schedule_delivery_time": "991231235959000+"}, 0x61),
        ({"validity_period": "000101000000000+"}, RINVEXPIRY),
    ],
)
def test_what_no_operator_takes_is_refused(carrier: Running, esme: Esme, fields: dict[str, Any], status: int):
    assert esme.send_and_hear(**fields).status == status
    assert carrier.control.ledger() == []


@pytest.mark.parametrize("size", [159, 160])
def test_a_part_of_160_septets_holds_153_characters(carrier: Running, esme: Esme, size: int):
    part = _UDH8 + b"\x01"
    answer = esme.send_and_hear(text=part + b"x" * (size - len(part)), esm_class=0x40)
    assert answer.status == (0 if size == 159 else 0x01)


def test_names_and_short_numbers_are_senders_as_they_are(carrier: Running, esme: Esme):
    esme.send_and_hear(source_addr="ACME Shop", source_addr_ton=5, source_addr_npi=0)
    esme.send_and_hear(source_addr="40404", source_addr_ton=3, source_addr_npi=0)
    assert [entry["from"] for entry in carrier.control.ledger()] == ["ACME Shop", "40404"]


def test_only_who_may_send_submits(connect: Connect):
    receiver, stranger = connect().bind("receiver"), connect()
    receiver.state = stranger.state = SMPP_CLIENT_STATE_BOUND_TX
    assert receiver.send_and_hear().status == RINVBNDSTS
    assert stranger.send_and_hear().status == RINVBNDSTS


@pytest.mark.parametrize(("wish", "errors", "told"), [(0, {}, 0), (2, {}, 0), (2, {"34": 1.0}, 1), (1, {"34": 1.0}, 1)])
def test_receipts_come_to_those_who_want_them(
    carrier: Running, esme: Esme, wish: int, errors: dict[str, float], told: int
):
    carrier.control.set_faults(error_mix=errors)
    esme.send_and_hear(registered_delivery=wish)

    until(lambda: carrier.control.stats()["scheduled_events"] == 0)
    assert carrier.control.stats()["callbacks_sent"] == told
    if told:
        [receipt] = esme.deliveries(1)
        assert b"stat:UNDELIV err:034" in receipt.short_message
        assert (receipt.message_state, receipt.network_error_code) == (5, b"\x03\x00\x22")


def test_what_is_on_its_way_is_told_to_those_who_ask(esme: Esme):
    answer = esme.send_and_hear(registered_delivery=0x11)
    middle, end = esme.deliveries(2)
    assert (middle.esm_class, middle.message_state, end.esm_class, end.message_state) == (0x20, 1, 0x04, 2)
    assert middle.receipted_message_id == end.receipted_message_id == answer.message_id


def test_a_message_outlives_its_validity_in_vain(carrier: Running, esme: Esme):
    carrier.control.set_faults(receipt_delay_ms=60_000)
    esme.send_and_hear(validity_period="000000000001000R")
    [receipt] = esme.deliveries(1)
    assert b"stat:EXPIRED" in receipt.short_message
