"""The clinic, for some weeks around two changes of clocks; a year of it is `python -m benchmarks clinic`."""

import pytest

from tests.campaigns.calendar import utc, virtual_clock
from tests.campaigns.clinic import Clinic


@pytest.mark.django_db
@pytest.mark.parametrize(("seed", "begins"), [(1, "2026-03-05T00:00"), (3, "2026-10-23T00:00")])
def test_nobody_twice_nobody_after_stop_nobody_for_nothing_and_everyone_accounted_for(seed: int, begins: str) -> None:
    with virtual_clock(utc(begins)) as clock:
        report = Clinic(clock, seed=seed, patients=160, days=10, busy=6).run()

    assert report.problems == []
    assert report.texts > 20
    assert report.doses > 100
    happened = {"moved", "cancelled", "stops", "planner outages", "answered 1", "answered 2", "rule changes"}
    assert happened <= set(report.events)
    assert any("quiet_hours" in state for state in report.states)
