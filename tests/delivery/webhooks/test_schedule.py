"""Waits and pauses."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery.webhooks import schedule


def test_waits_grow_over_three_days_and_end() -> None:
    assert list(schedule.WAITS) == sorted(schedule.WAITS)
    assert timedelta(days=3) < schedule.GIVE_UP_AFTER < timedelta(days=4) < schedule.DISABLE_AFTER
    assert schedule.wait(len(schedule.WAITS)) is not None
    assert schedule.wait(len(schedule.WAITS) + 1) is None


@given(tries=st.integers(1, len(schedule.WAITS)))
def test_a_wait_is_up_to_a_fifth_longer(tries: int) -> None:
    found = schedule.wait(tries)
    assert found is not None
    assert schedule.WAITS[tries - 1] <= found <= schedule.WAITS[tries - 1] * 1.2


@given(failures=st.integers(0, 10**9), asked=st.floats(0, 1e9))
def test_a_pause_is_bounded_and_never_shorter_than_what_was_asked_for(failures: int, asked: float) -> None:
    found = schedule.pause(failures, asked)
    assert found <= schedule.LONGEST_ASKED_SECONDS
    assert found >= min(asked, schedule.LONGEST_ASKED_SECONDS)
    if failures < schedule.DOWN_AFTER and not asked:
        assert found == 0
