"""Each fault of the service centre to order, and the ledger that tells what really happened."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from simulator.client import SimulatorError
from tests.simulator.conftest import Running, until
from tests.simulator.esme import SUBMIT, SYSTEM_ID, Esme, Gone

Connect = Callable[[], Esme]

RSYSERR, RMSGQFUL, RTHROTTLED = 0x08, 0x14, 0x58


def accepted(carrier: Running) -> int:
    return carrier.control.summary()["accepted"]


# Answers.


@pytest.mark.parametrize(
    ("knob", "command", "status", "in_ledger"),
    [
        ("throttle_share", "submit_sm_resp", RTHROTTLED, 0),
        ("error_before_share", "submit_sm_resp", RSYSERR, 0),
        ("error_after_share", "submit_sm_resp", RSYSERR, 1),
        ("smpp_nack_share", "generic_nack", RSYSERR, 0),
    ],
)
def test_errors_before_and_after_acceptance_look_alike(
    carrier: Running, esme: Esme, knob: str, command: str, status: int, in_ledger: int
):
    carrier.control.set_faults(**{knob: 1})
    answer = esme.send_and_hear()
    assert (answer.command, answer.status) == (command, status)
    assert accepted(carrier) == in_ledger
    assert esme.ask("enquire_link").command == "enquire_link_resp"


def test_refusals_by_mix(carrier: Running, esme: Esme):
    carrier.control.set_faults(reject_mix={"20": 0.5, "11": 0.5})
    assert {esme.send_and_hear().status for _ in range(30)} == {RMSGQFUL, 11}
    assert accepted(carrier) == 0


@pytest.mark.parametrize(
    ("knob", "in_ledger", "answered"),
    [
        ("drop_before_share", 0, False),
        ("drop_after_share", 1, False),
        ("smpp_cut_share", 1, False),
        ("smpp_drop_answered_share", 1, True),
    ],
)
def test_the_connection_ends_at_any_point(
    carrier: Running, esme: Esme, connect: Connect, knob: str, in_ledger: int, answered: bool
):
    carrier.control.set_faults(**{knob: 1})
    sequence = esme.submit()

    if answered:
        assert esme.answer(sequence).status == 0
    assert esme.ended()
    assert "submit_sm_resp" not in [pdu.command for pdu in esme.heard] or answered
    assert accepted(carrier) == in_ledger
    # Reported on like any other.
    carrier.control.set_faults(**{knob: 0})
    if in_ledger:
        [receipt] = connect().bind().deliveries(1)
        assert receipt.receipted_message_id.decode() == carrier.control.ledger()[0]["sid"]


def test_what_comes_after_the_one_that_ends_the_connection_is_not_looked_at(carrier: Running, esme: Esme):
    carrier.control.set_faults(drop_before_share=1)
    esme._socket.sendall(b"".join(esme.pdu("submit_sm", **SUBMIT).generate() for _ in range(20)))
    assert esme.ended()
    assert carrier.control.summary()["creates_seen"] == 1


def test_an_answer_that_is_cut_off_has_begun(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_cut_share=1, receipt_delay_ms=5000)
    esme.submit()
    assert esme._recv_exact(18)[4:8] == bytes.fromhex("80000004")
    with pytest.raises(Gone):
        esme._recv_exact(1)


def test_garbage_in_place_of_an_answer(carrier: Running, esme: Esme):
    carrier.control.set_faults(garbage_share=1)
    esme.submit()
    assert esme._recv_exact(8) == b"HTTP/1.1"
    assert accepted(carrier) == 1


def test_an_answer_that_does_not_come_leaves_the_others_alone(carrier: Running, esme: Esme):
    carrier.control.set_faults(late_share=1, late_seconds=3600)
    unanswered = [esme.submit(registered_delivery=0) for _ in range(2)]
    until(lambda: accepted(carrier) == 2)
    carrier.control.set_faults(late_share=0)

    assert esme.send_and_hear().status == 0

    assert not set(unanswered) & {pdu.sequence for pdu in esme.heard if pdu.command == "submit_sm_resp"}
    account = carrier.control.smsc()["accounts"][SYSTEM_ID]
    assert (account["binds"][0]["in_flight"], account["most_in_flight"]) == (2, 3)
    # The next run does not wait for them.
    carrier.control.reset()
    assert [esme.answer(sequence).status for sequence in unanswered] == [0, 0]
    assert accepted(carrier) == 0


def test_submits_are_worked_on_side_by_side(carrier: Running, esme: Esme):
    carrier.control.set_faults(latency_ms=100, latency_sigma=0.5)
    sequences = [esme.submit() for _ in range(50)]
    for sequence in sequences:
        assert esme.answer(sequence).status == 0
    answered = [pdu.sequence for pdu in esme.heard if pdu.command == "submit_sm_resp"]
    # Each in its own time.
    assert answered != sequences
    assert sorted(answered) == sequences
    assert carrier.control.smsc()["accounts"][SYSTEM_ID]["most_in_flight"] > 10


def test_what_is_underway_when_the_connection_ends_is_accepted(carrier: Running, esme: Esme):
    carrier.control.set_faults(latency_ms=200, smpp_window=1)
    for number in range(3):
        esme.submit(str(number))
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["binds"][0]["in_flight"] == 3)

    assert carrier.control.disconnect() == 1

    until(lambda: accepted(carrier) == 3)
    assert [entry["body"] for entry in carrier.control.ledger()] == ["0", "1", "2"]


# Limits.


def test_more_unanswered_than_the_limit_are_throttled(carrier: Running, esme: Esme, connect: Connect):
    carrier.control.set_faults(max_in_flight=3, latency_ms=300)
    other = connect().bind()
    sequences = [esme.submit() for _ in range(3)]
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["most_in_flight"] == 3)

    assert other.send_and_hear().status == RTHROTTLED

    assert [esme.answer(sequence).status for sequence in sequences] == [0, 0, 0]
    assert carrier.control.stats()["creates"] == {"honest": 3, "over_limit": 1}


def test_more_unanswered_than_the_window_wait_their_turn(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_window=2, late_share=1, late_seconds=1)
    sequences = [esme.submit(str(number), registered_delivery=0) for number in range(6)]
    until(lambda: carrier.control.smsc()["accounts"][SYSTEM_ID]["binds"][0]["in_flight"] == 6)
    assert [entry["body"] for entry in carrier.control.ledger()] == ["0", "1"]

    carrier.control.set_faults(late_share=0)

    assert [esme.answer(sequence).status for sequence in sequences] == [0] * 6
    assert [entry["body"] for entry in carrier.control.ledger()] == ["0", "1", "2", "3", "4", "5"]
    assert carrier.control.stats()["creates"] == {"late": 2, "honest": 4}


def test_a_long_queue_that_is_answered_at_once_does_not_break(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_window=1, late_share=1, late_seconds=1)
    first = esme.submit(registered_delivery=0)
    until(lambda: accepted(carrier) == 1)
    carrier.control.set_faults(late_share=0)
    last = [esme.submit(registered_delivery=0) for _ in range(3000)][-1]
    assert esme.answer(first).status == esme.answer(last).status == 0
    assert accepted(carrier) == 3001


def test_more_than_the_rate_are_throttled(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_max_per_second=10)
    statuses = Counter(esme.send_and_hear(registered_delivery=0).status for _ in range(40))
    assert statuses[0] >= 10
    assert statuses[RTHROTTLED] == 40 - statuses[0]
    assert carrier.control.summary()["worst_second"]["account"][SYSTEM_ID] == 10


# Links.


def test_the_centre_ends_binds_when_told_to(carrier: Running, connect: Connect):
    first, second = connect().bind(), connect().bind()

    assert carrier.control.disconnect(how="unbind", most=1) == 1
    assert first.until(lambda pdu: pdu.command == "unbind").status == 0
    first.reply(first.heard[-1])
    assert first.ended()

    assert carrier.control.disconnect(account=SYSTEM_ID) == 1
    assert second.ended()
    assert "unbind" not in [pdu.command for pdu in second.heard]
    with pytest.raises(SimulatorError, match="no such account"):
        carrier.control.disconnect(account="nobody")
    with pytest.raises(SimulatorError, match="how is drop or unbind"):
        carrier.control.disconnect(how="gently")


def test_a_bind_that_says_nothing_is_dropped(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_idle_drop_seconds=0.2)
    assert esme.ended()


def test_a_bind_is_asked_whether_it_lives_and_dropped_if_not(carrier: Running, esme: Esme):
    carrier.control.set_faults(smpp_enquire_seconds=0.1)
    assert esme.ended()
    assert [pdu.command for pdu in esme.heard] == ["enquire_link"]


def test_a_bind_that_answers_is_kept(carrier: Running, esme: Esme):
    # Long enough for a busy machine to answer in time.
    carrier.control.set_faults(smpp_enquire_seconds=1)
    for _ in range(3):
        pdu = esme.hear()
        assert pdu.command == "enquire_link"
        esme.reply(pdu)
    assert esme.ask("enquire_link").command == "enquire_link_resp"


def test_faults_may_be_one_accounts_alone(carrier: Running, esme: Esme, connect: Connect):
    carrier.control.set_faults(faulty_account="another", throttle_share=1, smpp_bind_reject_mix={"14": 1})
    assert esme.send_and_hear().status == 0
    assert connect().bind() is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"smpp_receipt_text": "klingon"}, "smpp_receipt_text must be one of"),
        ({"smpp_ids": "oct"}, "smpp_ids is dec, hex or HEX"),
        ({"smpp_ids": ""}, "smpp_ids is dec, hex or HEX"),
        ({"smpp_receipt_ids": "hex65"}, "smpp_receipt_ids is dec"),
        ({"smpp_bind_modes": "telepath"}, "smpp_bind_modes is made of"),
        ({"smpp_max_binds": 1.5}, "smpp_max_binds must be a whole number"),
        ({"smpp_failed_state": "DELIVRD"}, "smpp_failed_state must be one of"),
        ({"smpp_bind_reject_mix": {"RALYBND": 1}}, "not an error code"),
        ({"smpp_nack_share": 0.6, "drop_after_share": 0.6}, "add up to more than 1"),
    ],
)
def test_a_knob_that_cannot_be_meant_is_named(carrier: Running, wrong: dict[str, Any], said: str):
    with pytest.raises(SimulatorError, match=said):
        carrier.control.set_faults(**wrong)
