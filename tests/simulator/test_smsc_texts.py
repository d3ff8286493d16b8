"""Texts from handsets, as a client that is not ours receives them."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from simulator.client import SimulatorError
from tests.simulator.conftest import Running
from tests.simulator.esme import SYSTEM_ID, Esme

Connect = Callable[[], Esme]


def test_a_text_from_a_handset_is_delivered_and_its_acknowledgement_awaited(carrier: Running, esme: Esme):
    hearing = threading.Thread(target=esme.hear)
    hearing.start()
    sent = carrier.control.send_text(to="40404", sender="+14155550100", body="Stop")
    hearing.join()

    assert sent["answers"] == [{"part": 1, "status": 0}]
    [pdu] = esme.heard
    assert (pdu.source_addr, pdu.source_addr_ton, pdu.destination_addr) == (b"14155550100", 1, b"40404")
    assert (pdu.short_message, pdu.esm_class, pdu.data_coding) == (b"Stop", 0, 0)


@pytest.mark.parametrize("joining", ["udh8", "udh16", "sar"])
def test_a_long_text_comes_in_parts_in_the_order_asked_for(carrier: Running, esme: Esme, joining: str):
    body = "ä€" * 120
    sent = carrier.control.send_text(
        to="40404", sender="+1415", body=body, joining=joining, reference=7, order=[3, 1, 1], patience=0
    )
    assert sent["parts"] == 3
    assert [answer["part"] for answer in sent["answers"]] == [3, 1, 1]

    parts = esme.deliveries(3)
    if joining == "sar":
        assert [(p.sar_msg_ref_num, p.sar_total_segments, p.sar_segment_seqnum) for p in parts] == [
            (7, 3, 3), (7, 3, 1), (7, 3, 1),
        ]  # fmt: skip
    else:
        header = {"udh8": b"\x05\x00\x03\x07\x03", "udh16": b"\x06\x08\x04\x00\x07\x03"}[joining]
        assert [p.short_message[: len(header) + 1] for p in parts] == [header + bytes([n]) for n in (3, 1, 1)]
        assert all(p.esm_class == 0x40 for p in parts)
    assert parts[1].short_message == parts[2].short_message


def test_a_long_text_in_one_piece(carrier: Running, esme: Esme):
    carrier.control.send_text(to="1", sender="+1415", body="ы" * 300, joining="payload", patience=0)
    [pdu] = esme.deliveries(1)
    assert pdu.message_payload.decode("utf-16-be") == "ы" * 300


def test_a_text_that_nobody_can_hear_yet_is_kept(carrier: Running, connect: Connect):
    sent = carrier.control.send_text(to="40404", sender="+1415", body="Hello?", patience=0)
    assert sent["answers"] == [{"part": 1, "status": None}]
    assert carrier.control.smsc()["accounts"][SYSTEM_ID]["kept"] == 1

    esme = connect().bind("receiver")
    assert esme.deliveries(1)[0].short_message == b"Hello?"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"account": "nobody"}, "no such account"),
        ({"joining": "glue"}, "joining of"),
        ({"order": [2]}, "there are 1 parts"),
        ({"coding": "gsm7", "body": "ы"}, "the GSM alphabet does not have"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused(carrier: Running, wrong: dict[str, Any], said: str):
    with pytest.raises(SimulatorError, match=said):
        carrier.control.send_text(**{"to": "1", "sender": "+1415", "body": "x", **wrong})
