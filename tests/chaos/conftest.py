"""Chance by seed: a test that failed says which, and CHAOS_SEED repeats it. CHAOS_ROUNDS runs each so many times."""

import os
import random
from collections.abc import Iterator

import pytest
from django.db import connection

from tests import servers as run
from tests.hub import Hub
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


@pytest.fixture
def servers(hub: Hub) -> Iterator[Servers]:
    """The servers of the run, to be taken away. They are back at the end, and the test's own connection is fresh."""
    if run.ours is None:
        pytest.skip("this run uses servers that are not its own to stop")
    try:
        with run.ours.postgres_with(**run.DURABLE):
            yield run.ours
            run.ours.start_all()
    finally:
        run.ours.start_all()
        connection.close()
