"""Counts and signs of life: they cost the hot path nothing, and are lost without harm."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from delivery import vitals
from tests.hub import wait_for


def total(name: str) -> int:
    return sum(count.total for count in vitals.counts().get(name, []))


def test_what_is_counted_adds_up_over_flushes_and_labels() -> None:
    vitals.count("outcomes", 2, 7, "accepted", "")
    vitals.flush()
    vitals.count("outcomes", 1, 7, "accepted", "")
    vitals.count("outcomes", 1, 7, "rejected", "21610")
    vitals.flush()
    counts = {count.labels: count.total for count in vitals.counts()["outcomes"]}
    assert counts == {("7", "accepted", ""): 3, ("7", "rejected", "21610"): 1}


def test_it_is_known_when_something_was_last_counted() -> None:
    vitals.count("ticks")
    vitals.flush()
    (ticks,) = vitals.counts()["ticks"]
    assert abs(datetime.now(UTC) - ticks.at) < timedelta(minutes=1)


def test_nothing_is_noted_of_nothing() -> None:
    vitals.count("leases_expired", 0)
    vitals.flush()
    assert vitals.counts() == {}


def test_what_a_provider_makes_up_cannot_break_a_counters_name() -> None:
    vitals.count("outcomes", 1, 7, "rejected", "a|b:c\n€" + "x" * 100)
    vitals.flush()
    (count,) = vitals.counts()["outcomes"]
    assert count.labels[:2] == ("7", "rejected")
    assert len(count.labels) == 3
    assert len(count.labels[2]) == 60


def test_codes_without_end_do_not_fill_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_notes", vitals._Notes())
    monkeypatch.setattr(vitals, "MOST_COUNTERS", 3)
    for number in range(10):
        vitals.count("outcomes", 1, 7, "rejected", f"code{number}")
    vitals.flush()
    assert len(vitals.counts()["outcomes"]) == 4
    assert total("outcomes") == 10


def test_what_is_counted_is_carried_without_anybodys_asking() -> None:
    vitals.count("ticks")
    wait_for(lambda: total("ticks") == 1, seconds=20, what="the count to be carried to Redis")


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_counting_and_signs_of_life_are_silent() -> None:
    vitals.count("ticks")
    vitals.flush()
    vitals.alive("worker@here")


def test_a_forked_child_counts_only_what_it_counts_itself() -> None:
    vitals.count("ticks", 5)
    child = os.fork()
    if child == 0:
        vitals.count("ticks")
        vitals.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    vitals.flush()
    assert total("ticks") == 6


def test_who_has_been_silent_for_long_is_not_spoken_of(settings: Settings) -> None:
    now = datetime.now(UTC).timestamp()
    vitals.client().zadd(f"{settings.REDIS_PREFIX}vitals:alive", {"worker@gone": now - 7200})
    vitals.alive("worker@here")
    assert set(vitals.heard_of()) == {"worker@here"}
