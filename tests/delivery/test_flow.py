"""How much goes through, by minute."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery import flow
from delivery.models import HealthCount
from tests.factories import ProviderFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def count(provider_id: int, at: datetime, **counts: int) -> None:
    HealthCount.objects.create(provider_id=provider_id, at=at, **counts)


def test_counts_are_summed_by_provider_and_minute() -> None:
    ours, other = ProviderFactory(), ProviderFactory()
    count(ours.pk, NOON, attempts=10, taken=9, errors=1)
    count(ours.pk, NOON + timedelta(seconds=55), attempts=5, taken=5, heard=3)
    count(ours.pk, NOON + timedelta(seconds=60), attempts=1)
    count(other.pk, NOON, attempts=7)
    count(ours.pk, NOON - timedelta(seconds=5), attempts=100)

    found = flow.minutes([ours.pk], since=NOON)

    assert [(one.at, one.attempts, one.taken, one.errors, one.heard) for one in found] == [
        (NOON, 15, 14, 1, 3),
        (NOON + timedelta(minutes=1), 1, 0, 0, 0),
    ]


def test_of_no_provider_there_is_nothing() -> None:
    count(ProviderFactory().pk, NOON, attempts=1)
    assert flow.minutes([], since=NOON) == []
