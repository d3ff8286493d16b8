"""A wake-up is said once until it is heard, and one that is lost does not keep the next from being said."""

from collections.abc import Iterator

import pytest
from celery import current_app
from django.conf import settings

from delivery import wake
from tests.hub import wait_for

TASK = "delivery.tasks.reconcile"


class Killed(BaseException):
    """What `kill -9` is to the code that it meets."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The tasks that went to the broker; none of them is waiting before or after the test."""
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, **_: sent.append(task))
    wake.heard(TASK)
    yield sent
    wake.heard(TASK)


def remembered_ms() -> int:
    return wake.client().pttl(f"{settings.REDIS_PREFIX}wake:{TASK}")


def test_it_is_said_once_until_it_is_heard(said: list[str]) -> None:
    wake.reconcile()
    wake.reconcile()
    assert said == [TASK]

    wake.heard(TASK)
    wake.reconcile()
    assert said == [TASK, TASK]


def test_one_that_nobody_takes_is_said_again_after_a_few_seconds(said: list[str]) -> None:
    wake.reconcile()

    assert 1_000 < remembered_ms() <= 5_000


def test_of_ticks_that_piled_up_one_is_up_and_the_next_in_its_time(said: list[str]) -> None:
    def first() -> bool:
        return wake.first_in(50, TASK)

    assert [first() for _ in range(3)] == [True, False, False]
    wait_for(first, seconds=5, what="the next")


def test_killed_before_it_was_sent_it_is_said_again_within_a_second(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(current_app, "send_task", killed)
    with pytest.raises(Killed):
        wake.reconcile()

    assert 0 < remembered_ms() <= 1_000
