from collections.abc import Iterator

import pytest

from tests.contract.harness import Harness
from tests.contract.harnesses import HARNESSES


@pytest.fixture(scope="module")
def _running() -> Iterator[dict[str, Harness]]:
    """Other sides are started when the first case needs them, and serve all cases of the module."""
    running: dict[str, Harness] = {}
    yield running
    for harness in running.values():
        harness.stop()


@pytest.fixture
def harness(request: pytest.FixtureRequest, _running: dict[str, Harness]) -> Harness:
    name = request.param
    if name not in _running:
        started = HARNESSES[name]()
        started.start()
        _running[name] = started
    return _running[name]
