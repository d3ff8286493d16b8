"""Figures of a stretch of days over HTTP."""

from datetime import UTC
from typing import Any

import pytest
from django.utils import timezone

from delivery.states import Status
from tests.api.conftest import Caller, System, is_problem
from tests.factories import TallyFactory

pytestmark = pytest.mark.django_db


def test_the_last_thirty_days_are_told_by_day(shop: System) -> None:
    today = timezone.now().astimezone(UTC).date()
    TallyFactory(campaign_id=0, day=today, status=Status.DELIVERED, messages=3, segments=4, cost="0.04")

    found = shop.get("reports/summary").body

    assert (found["until"], found["by"], found["currency"]) == (today.isoformat(), "day", "USD")
    figures = {"messages": 3, "sent": 3, "delivered": 3, "failed": 0, "segments": 4, "cost": "0.04000"}
    assert found["lines"] == [figures | {"key": today.isoformat(), "label": today.isoformat()}]
    assert found["total"] == figures
    assert shop.get("reports/summary?until=2020-01-01").body["since"] == "2019-12-03"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("since=yesterday", "since"),
        ("until=2026-02-30", "until"),
        ("until=0001-01-05", "until"),
        ("since=2026-02-02&until=2026-02-01", "since"),
        ("since=2024-01-01&until=2026-02-01", "since"),
        ("by=weather", "by"),
        ("day=2026-02-01", "day"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_parameter(shop: System, query: str, parameter: str) -> None:
    answer: Any = shop.get(f"reports/summary?{query}")

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["parameter"] == parameter


def test_it_takes_a_scope_of_its_own(system: Caller) -> None:
    assert is_problem(system("campaigns:read").get("reports/summary"), 403, "missing-scope")
    assert system("reports:read").get("reports/summary").status_code == 200
