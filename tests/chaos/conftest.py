"""Chance by seed: a test that failed says which, and CHAOS_SEED repeats it."""

import os
import random

import pytest

from tests.pipeline.conftest import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**31))
    request.node.add_report_section("call", "chance", f"To repeat: CHAOS_SEED={seed}")
    return random.Random(seed)
