"""The witness: what it counts, how it is asked, and that its index-driven answers equal a plain search."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.rest import Client

from simulator.client import SimulatorError
from simulator.ledger import Entry, Ledger
from tests.simulator.conftest import ACCOUNT, SENDER, Running

TO = "+14155550100"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def accept(ledger: Ledger, number: int, **changes: Any) -> Entry:
    given = {
        "sid": f"SM{number}", "account": "A", "to": TO, "sender": "S", "body": "x", "segments": 1,
        "status": "queued", **changes,
    }  # fmt: skip
    return ledger.accept(**given)


def test_the_worst_second_is_the_most_segments_in_any_window_of_one_second():
    clock = Clock()
    ledger = Ledger(clock)
    for number, (moment, sender, segments) in enumerate(
        [(0.0, "S", 1), (0.9, "S", 2), (1.1, "T", 3), (1.89, "S", 1), (5.0, "S", 4)]
    ):
        clock.now = 1000 + moment
        accept(ledger, number, sender=sender, segments=segments)

    assert ledger.summary()["worst_second"] == {"account": {"A": 6}, "sender": {"S": 4, "T": 3}}
    assert ledger.summary()["segments"] == 11


@given(
    messages=st.lists(
        st.tuples(
            st.floats(0, 3),  # seconds since the one before
            st.sampled_from("ab"),  # account
            st.sampled_from("xyz"),  # to
            st.sampled_from("ST"),  # sender
            st.none() | st.floats(0, 5),  # seconds until it is sent
            st.booleans(),  # deleted
        ),
        max_size=25,
    ),
    to=st.none() | st.sampled_from("xyz"),
    sender=st.none() | st.sampled_from("ST"),
    window=st.tuples(st.none() | st.integers(-2, 60), st.none() | st.integers(-2, 60)),
    edge=st.tuples(st.sampled_from(["below", "above", ""]), st.integers(-1, 26)),
    limit=st.integers(1, 8),
)
@settings(max_examples=150)
def test_select_equals_a_plain_search(messages: list[Any], to: Any, sender: Any, window: Any, edge: Any, limit: int):
    clock = Clock()
    ledger = Ledger(clock)
    begin = int(ledger._epoch + clock.now)
    entries = []
    for number, (gap, account, recipient, origin, lag, deleted) in enumerate(messages):
        clock.now += gap
        entry = accept(ledger, number, account=account, to=recipient, sender=origin)
        entry.deleted = deleted
        if lag is not None:
            accepted_at = clock.now
            clock.now += lag
            ledger.move(entry, "sent")
            clock.now = accepted_at
        entries.append(entry)
    first, last = (None if bound is None else begin + bound for bound in window)

    def wanted(entry: Entry) -> bool:
        inside = first is None and last is None
        if entry.sent_at is not None:
            inside = (first is None or int(entry.sent_at) >= first) and (last is None or int(entry.sent_at) <= last)
        return (
            entry.account == "a"
            and not entry.deleted
            and to in (None, entry.to)
            and sender in (None, entry.sender)
            and inside
            and (edge[0] != "below" or entry.index < edge[1])
            and (edge[0] != "above" or entry.index > edge[1])
        )

    expected = [entry for entry in entries if wanted(entry)]
    expected = (expected[:limit] if edge[0] == "above" else expected[-limit:])[::-1]
    place = {edge[0]: max(edge[1], -1 if edge[0] == "above" else 0)} if edge[0] else {}
    assert ledger.select("a", to=to, sender=sender, sent_from=first, sent_until=last, limit=limit, **place) == expected


def test_what_was_accepted_twice_is_listed(carrier: Running, client: Client):
    def send(to: str, body: str) -> str:
        sid: str = client.messages.create(to=to, from_=SENDER, body=body).sid
        return sid

    first, second = send(TO, "hello"), send(TO, "hello")
    send(TO, "another thing")
    send("+14155550101", "hello")
    third = send(TO, "hello")

    assert carrier.control.duplicates() == [{"to": TO, "body": "hello", "count": 3, "sids": [first, second, third]}]
    summary = carrier.control.summary()
    assert (summary["accepted"], summary["distinct_to"], summary["duplicates"]) == (5, 2, 1)
    assert summary["worst_second"]["account"][ACCOUNT] <= 5


def test_the_ledger_is_read_in_pages_whole_or_by_recipient(carrier: Running, client: Client):
    for number in range(7):
        client.messages.create(to=f"+1415555{number % 2:04d}", from_=SENDER, body=str(number))

    assert [entry["body"] for entry in carrier.control.ledger(offset=2, limit=3)] == ["2", "3", "4"]
    assert [entry["body"] for entry in carrier.control.ledger(to="+14155550001")] == ["1", "3", "5"]
    assert [entry["body"] for entry in carrier.control.entries()] == [str(number) for number in range(7)]
    assert carrier.control.ledger(to="+14155559999") == []
    entry = carrier.control.ledger(limit=1)[0]
    assert (entry["account"], entry["from"], entry["segments"]) == (ACCOUNT, SENDER, 1)
    assert entry["created"] > 1_700_000_000


def test_sids_are_unique_and_survive_a_reset(carrier: Running, client: Client):
    def create(number: int) -> str:
        sid: str = client.messages.create(to=TO, from_=SENDER, body=str(number)).sid
        return sid

    with ThreadPoolExecutor(8) as threads:
        before = list(threads.map(create, range(100)))
    carrier.control.reset()

    assert len({*before, create(0)}) == 101
    assert carrier.control.summary()["accepted"] == 1


def test_a_reset_forgets_what_was_still_to_come(carrier: Running, client: Client):
    client.messages.create(to=TO, from_=SENDER, body="x")
    carrier.control.reset()

    stats = carrier.control.stats()
    assert (stats["scheduled_events"], stats["requests"], stats["in_flight"]) == (0, 0, 0)
    assert carrier.control.summary()["by_status"] == {}
    with pytest.raises(SimulatorError, match="a reset takes faults"):
        carrier.control._call("POST", "reset", {"fault": {}})


def test_the_control_api_names_what_it_does_not_know(carrier: Running):
    assert requests.get(f"{carrier.url}/_simulator/nothing", timeout=5).status_code == 404
    assert requests.get(f"{carrier.url}/_simulator/reset", timeout=5).status_code == 405
    assert requests.get(f"{carrier.url}/_simulator/ledger?limit=x", timeout=5).status_code == 400
    assert requests.put(f"{carrier.url}/_simulator/faults", data="{", timeout=5).status_code == 400
    assert requests.get(f"{carrier.url}/elsewhere", timeout=5).status_code == 404


def test_the_control_api_answers_loopback_only(start_carrier: Callable[..., Running]):
    addresses = [
        address.address
        for group in psutil.net_if_addrs().values()
        for address in group
        if address.family.name == "AF_INET" and not address.address.startswith("127.")
    ]
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    carrier = start_carrier("--host", "0.0.0.0")
    port = carrier.url.rsplit(":", 1)[1]

    answer = requests.get(f"http://{addresses[0]}:{port}/_simulator/health", timeout=5)

    assert answer.status_code == 403
    assert requests.get(f"http://127.0.0.1:{port}/_simulator/health", timeout=5).status_code == 200


def test_a_port_in_use_ends_the_process_with_a_plain_word(carrier: Running):
    port = carrier.url.rsplit(":", 1)[1]
    ended = subprocess.run(
        [sys.executable, "-m", "simulator", "--port", port], capture_output=True, text=True, timeout=20
    )

    assert ended.returncode == 1
    assert "cannot listen on" in ended.stderr
    assert "Traceback" not in ended.stderr
