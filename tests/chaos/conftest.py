"""Chance by seed: a test that failed says which, and CHAOS_SEED repeats it. CHAOS_ROUNDS runs each so many times."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from kombu import pools

from smshub.celery import app
from tests import servers as run
from tests.hub import Hub, wait_for
from tests.pipeline.conftest import pytest_runtest_makereport
from tests.servers import Servers

__all__ = ["pytest_runtest_makereport"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = int(os.environ.get("CHAOS_ROUNDS") or 1)
    if "rng" in metafunc.fixturenames and rounds > 1:
        metafunc.fixturenames.append("round")
        metafunc.parametrize("round", range(1, rounds + 1))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**31))
    request.node.add_report_section("call", "chance", f"To repeat: CHAOS_SEED={seed}")
    return random.Random(seed)


def forget_the_broker() -> None:
    """Drop Celery's pooled connections of this process, as a forked child does: the broker has closed them."""
    pools.connections.clear()
    pools.producers.clear()
    app._pool = app.amqp._producer_pool = None


@contextmanager
def supervised(hub: Hub) -> Iterator[None]:
    """What ends is started again, as `make run` and container engines do: Celery's main process may end when its broker
    goes away just as it acknowledges a task.
    """
    over = threading.Event()

    def tend() -> None:
        while not over.wait(0.2):
            hub.processes.tend()

    supervisor = threading.Thread(target=tend)
    supervisor.start()
    try:
        yield
    finally:
        over.set()
        supervisor.join()
        wait_for(lambda: not hub.processes.tend() and all_up(hub), seconds=60, what="everybody up again")


def all_up(hub: Hub) -> bool:
    return not any(hub.processes.ended(name) for name in hub.processes.names)


@pytest.fixture(scope="module")
def everybody_begins_anew_afterwards(running_hub: Hub) -> Iterator[None]:
    """Other tests are about a hub whose broker never went away."""
    yield
    running_hub.worn = True


@pytest.fixture
def servers(hub: Hub) -> Iterator[Servers]:
    """The servers of the run, to be taken away. They are back at the end, and the test's own connections are fresh."""
    if run.ours is None:
        pytest.skip("this run uses servers that are not its own to stop")
    try:
        with run.ours.postgres_with(**run.DURABLE), supervised(hub):
            yield run.ours
            run.ours.start_all()
    finally:
        run.ours.start_all()
        connection.close()
        forget_the_broker()
