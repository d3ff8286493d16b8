"""Messages per minute of the last hour, as a chart and as a table."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from delivery import flow

MINUTES = 60


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    accepted: int
    other: int
    """Answered otherwise: refused, or in doubt."""


def points(provider_ids: Collection[int]) -> list[Point]:
    """A point for each minute, of all these providers together; the last one is not over yet."""
    now = timezone.now().replace(second=0, microsecond=0)
    begin = now - timedelta(minutes=MINUTES - 1)
    accepted: Counter[datetime] = Counter()
    attempts: Counter[datetime] = Counter()
    for minute in flow.minutes(provider_ids, since=begin):
        accepted[minute.at] += minute.taken
        attempts[minute.at] += minute.attempts
    every = [begin + timedelta(minutes=n) for n in range(MINUTES)]
    return [Point(at, accepted[at], max(0, attempts[at] - accepted[at])) for at in every]


def data(points: Collection[Point]) -> dict[str, list[object]]:
    """For Chart.js: see smshub/live.js."""
    return {
        "labels": [f"{timezone.localtime(point.at):%H:%M}" for point in points],
        "accepted": [point.accepted for point in points],
        "other": [point.other for point in points],
    }
