"""What the processes of the hub had to say stands in the report of a test that failed."""

from collections.abc import Generator

import pytest

from tests.hub import Hub


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    hub = getattr(item, "funcargs", {}).get("hub")
    if report.failed and isinstance(hub, Hub):
        report.sections += [(f"end of the log of {name}", text) for name, text in hub.tails()]
    return report
