"""Kannel, bound to the service centre as a client: a second opinion on all that the wire has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kannel import ACCEPTED, DELIVERED, FAILED, REFUSED, Kannel, Operator, kannel, require
from tests.simulator.conftest import Running, until
from tests.simulator.esme import PASSWORD, SYSTEM_ID

TO = "+14155550100"
LONG = (
    "Your order has left our house and will be with you tomorrow between nine and eleven. [If you are out, ask us.] "
    * 3
)


@pytest.fixture(scope="module")
def bound(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    require()
    running.control.reset()
    operators = [
        Operator("one", running.ports["smpp"], SYSTEM_ID, PASSWORD),
        # Answers in hexadecimal, receipts in decimal numbers.
        Operator("two", running.ports["smpp"], "another", "secret", transceiver=False, settings={"msg-id-type": 1}),
    ]
    with kannel(tmp_path_factory.mktemp("kannel"), operators) as box:
        yield box
    until(lambda: running.control.smsc()["connections"] == 0)


@pytest.fixture
def box(bound: Kannel, carrier: Running) -> Kannel:
    # Kannel tells of each over a connection of its own: what comes at once may be heard in any order.
    carrier.control.set_faults(receipt_delay_ms=800)
    bound.receipts.clear()
    bound.texts.clear()
    return bound


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_without_it_a_test_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr("tests.kannel._PATH", str(tmp_path))
    monkeypatch.setenv("REQUIRE_KANNEL", required)
    with pytest.raises(outcome, match="apt-get install kannel"):
        require()


def test_it_is_bound_as_it_says(box: Kannel, carrier: Running) -> None:
    accounts = carrier.control.smsc()["accounts"]
    assert [bind["mode"] for bind in accounts[SYSTEM_ID]["binds"]] == ["transceiver"]
    assert sorted(bind["mode"] for bind in accounts["another"]["binds"]) == ["receiver", "transmitter"]


@pytest.mark.parametrize("tlvs", [True, False])
def test_it_sends_and_hears_of_it(box: Kannel, carrier: Running, tlvs: bool) -> None:
    carrier.control.set_faults(smpp_receipt_tlvs=tlvs)
    for number in range(10):
        box.send(TO, f"Hello {number}: {{ü}} €", operator="one", tag=str(number))

    box.wait_for(lambda: all(box.types(str(number)) == [ACCEPTED, DELIVERED] for number in range(10)))

    assert sorted(entry["body"] for entry in carrier.control.entries(TO)) == [f"Hello {n}: {{ü}} €" for n in range(10)]
    assert {entry["from"] for entry in carrier.control.entries()} == {"+15005550006"}
    until(lambda: all(entry["acknowledged"] == ["delivered"] for entry in carrier.control.entries()))


def test_it_finds_a_message_by_an_id_in_another_base_on_another_bind(box: Kannel, carrier: Running) -> None:
    carrier.control.set_faults(smpp_ids="hex", smpp_receipt_ids="dec", smpp_receipt_tlvs=False, error_mix={"27": 1.0})
    box.send(TO, "Hello", operator="two", tag="x")
    box.wait_for(lambda: box.types("x") == [ACCEPTED, FAILED])


def test_a_long_text_of_its_making_is_put_together_again(box: Kannel, carrier: Running) -> None:
    box.send(TO, LONG, operator="one", tag="long")
    box.send(TO, "Привет 🛑 " * 20, operator="one", tag="unicode", unicode=True)
    box.wait_for(lambda: carrier.control.summary()["accepted"] == 6)

    until(lambda: {text.body for text in carrier.control.texts()} == {LONG, "Привет 🛑 " * 20})
    assert [(text.complete, text.copies) for text in carrier.control.texts()] == [(True, 1)] * 2
    assert carrier.control.duplicates() == []


def test_a_refusal_is_told_as_one(box: Kannel, carrier: Running) -> None:
    box.send("+15005550001", "Hello", operator="one", tag="magic")
    box.wait_for(lambda: box.types("magic") == [REFUSED])
    assert carrier.control.ledger() == []


def test_what_is_throttled_comes_again(box: Kannel, carrier: Running) -> None:
    carrier.control.set_faults(throttle_share=1)
    box.send(TO, "Hello", operator="one", tag="patient")
    until(lambda: carrier.control.stats()["creates"].get("throttled"))
    carrier.control.set_faults(throttle_share=0)
    box.wait_for(lambda: box.types("patient") == [ACCEPTED, DELIVERED])
    assert carrier.control.summary()["accepted"] == 1


def test_it_binds_again_when_the_link_was_cut(box: Kannel, carrier: Running) -> None:
    assert carrier.control.disconnect() == 3
    until(lambda: sum(len(each["binds"]) for each in carrier.control.smsc()["accounts"].values()) == 3)
    box.send(TO, "Hello", operator="one", tag="again")
    box.wait_for(lambda: box.types("again") == [ACCEPTED, DELIVERED])


@pytest.mark.parametrize("joining", ["udh8", "udh16", "sar"])
def test_a_text_from_a_handset_reaches_it(box: Kannel, carrier: Running, joining: str) -> None:
    sent = carrier.control.send_text(to="40404", sender="+14155550100", body="Stop {€}", joining=joining)
    assert sent["answers"] == [{"part": 1, "status": 0}]
    box.wait_for(lambda: box.texts)
    assert box.texts == [{"from": "+14155550100", "to": "40404", "text": "Stop {€}", "operator": "one"}]


@pytest.mark.parametrize("joining", ["udh8", "sar"])
def test_a_long_text_from_a_handset_is_read_whole(box: Kannel, carrier: Running, joining: str) -> None:
    carrier.control.send_text(
        to="40404", sender="+14155550100", body=LONG, joining=joining, order=[3, 1, 2], account="another"
    )
    box.wait_for(lambda: box.texts)
    assert [text["text"] for text in box.texts] == [LONG]
