"""Each fault to order, and the ledger that tells what really happened."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from simulator.client import SimulatorError
from simulator.faults import Dice, Fate, Faults
from tests.simulator.conftest import ACCOUNT, SENDER, TOKEN, Running, Webhooks, until

TO = "+14155550100"


def post(carrier: Running, timeout: float = 10.0, **form: str) -> requests.Response:
    """A create without the SDK, so that the raw answer shows."""
    return requests.post(
        f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        data={"To": TO, "From": SENDER, "Body": "x", **form},
        auth=(ACCOUNT, TOKEN),
        timeout=timeout,
    )


def accepted(carrier: Running) -> int:
    return carrier.control.summary()["accepted"]


def statuses_of(carrier: Running, webhooks: Webhooks, number: int) -> list[str]:
    until(lambda: len(webhooks.received) >= number)
    until(lambda: carrier.control.stats()["callbacks_pending"] == 0)
    return webhooks.statuses()


def test_an_outage_refuses_everything(carrier: Running, client: Client):
    carrier.control.set_faults(outage=True)

    assert post(carrier).status_code == 503
    with pytest.raises(TwilioRestException) as caught:
        client.messages("SM" + "0" * 32).fetch()
    assert caught.value.status == 503
    assert carrier.control.summary() | {"worst_second": {}} == {
        "creates_seen": 0, "accepted": 0, "segments": 0, "distinct_to": 0, "duplicates": 0,
        "by_status": {}, "by_error": {}, "worst_second": {},
    }  # fmt: skip

    carrier.control.set_faults(outage=False)
    assert post(carrier).status_code == 201


@pytest.mark.parametrize(("knob", "in_ledger"), [("error_before_share", 0), ("error_after_share", 1)])
def test_server_errors_before_and_after_acceptance_look_alike(carrier: Running, knob: str, in_ledger: int):
    carrier.control.set_faults(**{knob: 1})

    answer = post(carrier)

    assert (answer.status_code, answer.json()["code"]) == (500, 20500)
    assert accepted(carrier) == in_ledger


@pytest.mark.parametrize(("knob", "in_ledger"), [("drop_before_share", 0), ("drop_after_share", 1)])
def test_connections_dropped_before_and_after_acceptance_look_alike(carrier: Running, knob: str, in_ledger: int):
    carrier.control.set_faults(**{knob: 1})

    with pytest.raises(requests.ConnectionError):
        post(carrier)

    assert accepted(carrier) == in_ledger
    assert carrier.control.summary()["creates_seen"] == 1


def test_under_drops_after_acceptance_the_ledger_has_what_no_answer_told_of(carrier: Running, webhooks: Webhooks):
    carrier.control.set_faults(drop_after_share=0.5)
    answered = 0
    for number in range(40):
        try:
            answered += post(carrier, To=f"+1415555{number:04d}", StatusCallback=webhooks.url).status_code == 201
        except requests.ConnectionError:
            continue

    entries = list(carrier.control.entries())
    assert 0 < answered < 40
    assert [entry["to"] for entry in entries] == [f"+1415555{number:04d}" for number in range(40)]
    # Those whose creation nobody saw answered are reported on like the others.
    assert len(statuses_of(carrier, webhooks, 120)) == 120
    assert {hook.form["MessageSid"] for hook in webhooks.received} == {entry["sid"] for entry in entries}
    assert carrier.control.stats()["creates"] == {"honest": answered, "drop_after": 40 - answered}


def test_a_late_answer_comes_after_the_client_has_given_up(carrier: Running):
    carrier.control.set_faults(late_share=1, late_seconds=30)

    with pytest.raises(requests.ReadTimeout):
        post(carrier, timeout=0.3)

    assert accepted(carrier) == 1


def test_garbage_is_answered_for_an_accepted_message(carrier: Running, client: Client):
    carrier.control.set_faults(garbage_share=1)

    with pytest.raises(ValueError, match="Expecting value"):
        client.messages.create(to=TO, from_=SENDER, body="x")

    assert accepted(carrier) == 1


def test_a_list_may_lag_behind_and_the_message_itself_does_not(carrier: Running, client: Client):
    carrier.control.set_faults(listing_delay_ms=60_000)
    sid = post(carrier).json()["sid"]

    assert client.messages.list(to=TO) == []
    assert client.messages(sid).fetch().sid == sid

    carrier.control.set_faults(listing_delay_ms=0)
    assert [message.sid for message in client.messages.list(to=TO)] == [sid]


def test_throttling_by_share_leaves_no_trace_in_the_ledger(carrier: Running):
    carrier.control.set_faults(throttle_share=0.5)

    answers = [post(carrier) for _ in range(40)]

    throttled = [answer for answer in answers if answer.status_code == 429]
    assert 0 < len(throttled) < 40
    assert {answer.json()["code"] for answer in throttled} == {20429}
    assert accepted(carrier) == 40 - len(throttled)


def test_more_creates_at_once_than_the_limit_are_throttled(carrier: Running):
    carrier.control.set_faults(max_in_flight=3, latency_ms=1000)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(carrier), range(8)))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 3 + [429] * 5
    assert all(int(answer.headers["Twilio-Concurrent-Requests"]) >= 1 for answer in answers)
    assert accepted(carrier) == 3
    assert carrier.control.stats()["creates"] == {"honest": 3, "over_limit": 5}


def test_latency_is_waited_out_before_the_answer(carrier: Running):
    carrier.control.set_faults(latency_ms=120)

    began = time.monotonic()
    answer = post(carrier)

    assert time.monotonic() - began >= 0.12
    assert float(answer.headers["Twilio-Request-Duration"]) >= 0.12


def test_rejections_by_mix(carrier: Running):
    carrier.control.set_faults(reject_mix={"21610": 0.5, "21611": 0.5})

    answers = {(answer.status_code, answer.json()["code"]) for answer in (post(carrier) for _ in range(30))}

    assert answers == {(400, 21610), (429, 21611)}
    assert accepted(carrier) == 0


def test_lost_receipts_leave_the_message_s_state_alone(carrier: Running, webhooks: Webhooks):
    carrier.control.set_faults(receipts_lost_share=1)
    post(carrier, StatusCallback=webhooks.url)

    until(lambda: carrier.control.stats()["receipts_lost"] == 3)
    assert webhooks.received == []
    assert carrier.control.summary()["by_status"] == {"delivered": 1}


def test_doubled_receipts_come_twice(carrier: Running, webhooks: Webhooks):
    carrier.control.set_faults(receipts_doubled_share=1)
    post(carrier, StatusCallback=webhooks.url)

    assert sorted(statuses_of(carrier, webhooks, 6)) == sorted(["queued", "sent", "delivered"] * 2)
    assert carrier.control.stats()["receipts_doubled"] == 3


def test_reordered_receipts_tell_the_end_before_the_middle(carrier: Running, webhooks: Webhooks):
    carrier.control.set_faults(receipts_reordered_share=1)
    post(carrier, StatusCallback=webhooks.url)

    assert statuses_of(carrier, webhooks, 3) == ["queued", "delivered", "sent"]
    assert [status for status, _ in carrier.control.ledger()[0]["history"]] == ["queued", "sent", "delivered"]


@pytest.mark.parametrize("queued_callback", [True, False])
def test_an_early_receipt_is_there_before_the_answer(carrier: Running, webhooks: Webhooks, queued_callback: bool):
    carrier.control.set_faults(receipts_early_share=1, receipt_delay_ms=100_000, queued_callback=queued_callback)

    answer = post(carrier, StatusCallback=webhooks.url)

    assert webhooks.statuses() == ["queued" if queued_callback else "sent"]
    assert webhooks.received[0].form["MessageSid"] == answer.json()["sid"]
    assert answer.json()["status"] == "queued"


def test_an_early_receipt_to_an_absent_webhook_does_not_hold_the_answer_back(carrier: Running, closed_port: int):
    carrier.control.set_faults(receipts_early_share=1)

    assert post(carrier, StatusCallback=f"http://127.0.0.1:{closed_port}/#rc=5").status_code == 201


def test_some_messages_never_come_to_an_end(carrier: Running, webhooks: Webhooks):
    carrier.control.set_faults(never_final_share=1)
    post(carrier, StatusCallback=webhooks.url)

    until(lambda: carrier.control.stats()["scheduled_events"] == 0)
    assert statuses_of(carrier, webhooks, 2) == ["queued", "sent"]
    assert carrier.control.summary()["by_status"] == {"sent": 1}


def test_errors_by_mix_are_counted_in_the_ledger(carrier: Running):
    carrier.control.set_faults(error_mix={"30003": 0.3, "30007": 0.3})
    for _ in range(60):
        post(carrier)

    until(lambda: carrier.control.stats()["scheduled_events"] == 0)
    summary = carrier.control.summary()
    assert summary["by_error"].keys() == {"30003", "30007"}
    assert sum(summary["by_error"].values()) == summary["by_status"]["undelivered"]
    assert sum(summary["by_status"].values()) == 60


def test_the_same_seed_meets_the_same_faults(carrier: Running):
    def codes(seed: int) -> list[int]:
        carrier.control.reset(seed=seed, throttle_share=0.3, error_before_share=0.3)
        return [post(carrier).status_code for _ in range(25)]

    assert codes(7) == codes(7)
    assert codes(7) != codes(8)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gremlins": 1}, "no such fault: gremlins"),
        ({"throttle_share": 1.5}, "throttle_share must be 0..1"),
        ({"throttle_share": True}, "throttle_share must be a number"),
        ({"outage": "yes"}, "outage must be true or false"),
        ({"latency_ms": -1}, "latency_ms must be 0 or more"),
        ({"max_in_flight": 2.5}, "max_in_flight must be a whole number"),
        ({"error_mix": {"30003": 0.7, "30005": 0.7}}, "error_mix adds up to more than 1"),
        ({"error_mix": {"oops": 0.7}}, "not an error code"),
        ({"error_mix": [1]}, "error_mix must be an object"),
        ({"drop_after_share": 0.6, "late_share": 0.6}, "add up to more than 1"),
    ],
)
def test_a_knob_that_cannot_be_meant_is_named_and_nothing_changes(carrier: Running, wrong: dict[str, Any], said: str):
    before = carrier.control.faults()

    with pytest.raises(SimulatorError, match=said):
        carrier.control.set_faults(**wrong)

    assert carrier.control.faults() == before


def test_faults_of_the_start_are_what_a_reset_goes_back_to(start_carrier: Callable[..., Running]):
    carrier = start_carrier("--faults", '{"outage": true}', "--seed", "5")
    assert post(carrier).status_code == 503

    carrier.control.set_faults(outage=False)
    assert post(carrier).status_code == 201
    carrier.control.reset()

    assert post(carrier).status_code == 503
    assert accepted(carrier) == 0


def test_shares_are_kept_over_many_draws():
    dice = Dice(Faults(throttle_share=0.1, drop_after_share=0.2, error_mix={"30003": 0.25}), seed=3)

    fates = [dice.fate("AC1") for _ in range(20_000)]
    errors = [dice.outcome().error for _ in range(20_000)]

    assert abs(fates.count(Fate.THROTTLE) / 20_000 - 0.1) < 0.01
    assert abs(fates.count(Fate.DROP_AFTER) / 20_000 - 0.2) < 0.01
    assert abs(errors.count(30003) / 20_000 - 0.25) < 0.01


def test_the_faults_may_be_one_accounts_alone():
    dice = Dice(Faults(faulty_account="AC1", outage=True, throttle_share=1.0, reject_mix={"21610": 1.0}), seed=3)

    assert (dice.fate("AC1"), dice.rejection("AC1"), dice.outage("AC1")) == (Fate.THROTTLE, 21610, True)
    assert (dice.fate("AC2"), dice.rejection("AC2"), dice.outage("AC2")) == (Fate.HONEST, None, False)
