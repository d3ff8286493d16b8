"""Metrics and doctor of a hub that really runs."""

from urllib.request import urlopen

import pytest

from delivery import vitals
from smshub.doctor import workers
from smshub.doctor.examine import examine
from smshub.doctor.findings import Level
from smshub.metrics import readings
from tests.factories import MessageFactory
from tests.hub import Hub, wait_for

pytestmark = pytest.mark.pipeline


@pytest.fixture(autouse=True)
def own_corner() -> None:
    """Here the hub's own corner of Redis is looked into."""


@pytest.fixture
def up(hub: Hub) -> Hub:
    before = vitals.counts().get("ticks")
    wait_for(lambda: vitals.counts().get("ticks") != before, seconds=30, what="the clock to tick")
    return hub


def test_a_hub_that_runs_is_healthy(up: Hub) -> None:
    up.provider()
    problems = [finding for _, finding in examine().found if finding.level is Level.PROBLEM]
    assert problems == []


def test_every_worker_says_that_it_is_up(up: Hub) -> None:
    programs = {who.split("@")[0].rpartition("-")[0] for who in vitals.heard_of()}
    assert programs >= {"worker", "loader", "dispatch"}


def test_what_the_workers_do_is_shown_by_the_web_server(up: Hub) -> None:
    provider = up.provider()
    MessageFactory.create_batch(20, sender=provider.senders.get())

    def shown() -> str:
        with urlopen(f"{up.url}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    sent = 'smshub_attempts_total{code="",outcome="accepted",provider="Carrier"} 20.0'
    wait_for(lambda: sent in shown(), seconds=30, what="20 accepted attempts to be shown")
    wait_for(lambda: 'smshub_receipts_stored_total{provider="Carrier"}' in shown(), seconds=30, what="receipts")
    assert readings.depths()


def unread() -> set[str]:
    return {finding.what.split(":")[0].split()[-1] for finding in workers.queues()}


def test_a_worker_that_died_is_missed(up: Hub) -> None:
    assert unread() == set()
    up.kill("loader", again=False)
    try:
        wait_for(lambda: unread() == {"launch", "imports"}, seconds=60, what="the loader's queues to be missed")
    finally:
        up.start_one("loader")
        up.wait_healthy("loader")
    wait_for(lambda: unread() == set(), seconds=30, what="the loader to say that it reads them")
