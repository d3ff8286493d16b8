"""The states of a provider's health, under any figures: out of each, never too quickly, never without a reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.routing.rules import Change, Figures, Health, Pin, State, Thresholds, judge, open_for, pinned, trial_rate

RULES = Thresholds(
    at_least=20,
    trial_at_least=5,
    errors_worse=15,
    errors_open=50,
    errors_better=5,
    missing_worse=15,
    missing_open=70,
    missing_better=8,
    step=25,
    floor=10,
    trial_factor=10,
    min_seconds=60,
    rise_seconds=600,
    open_seconds=60,
    open_most_seconds=900,
)
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WELL = Figures(attempts=100, errors=1, taken=100, missing=2)
SO_SO = Figures(attempts=100, errors=10)
WORSE = Figures(attempts=100, errors=20)
TERRIBLE = Figures(attempts=100, errors=80)
SLOW = Figures(attempts=100, taken=100, missing=30)


def decide(health: Health, figures: Figures, *, after: float = 10**4, all_slow: bool = False) -> Change | None:
    now = (health.since or START) + timedelta(seconds=after)
    return judge(health, figures, RULES, all_slow=all_slow, now=now)


def step(health: Health, figures: Figures, now: datetime) -> tuple[Health, Change | None]:
    change = judge(health, figures, RULES, all_slow=False, now=now)
    if change is None:
        return health, None
    return replace(health, state=change.state, factor=change.factor, openings=change.openings, since=now), change


@pytest.mark.parametrize(
    ("health", "figures", "state", "factor"),
    [
        (Health(), WORSE, State.DEGRADED, 75),
        (Health(), SLOW, State.DEGRADED, 75),
        (Health(), TERRIBLE, State.OPEN, 0),
        (Health(State.DEGRADED, 75, START), WORSE, State.DEGRADED, 50),
        (Health(State.DEGRADED, 25, START), WORSE, State.DEGRADED, 10),
        (Health(State.DEGRADED, 50, START), WELL, State.DEGRADED, 75),
        (Health(State.DEGRADED, 85, START), WELL, State.HEALTHY, 100),
        (Health(State.DEGRADED, 50, START), Figures(), State.DEGRADED, 75),
        (Health(State.OPEN, 0, START, openings=1), TERRIBLE, State.HALF_OPEN, 10),
        (Health(State.HALF_OPEN, 10, START, openings=1), WORSE, State.OPEN, 0),
        (Health(State.HALF_OPEN, 10, START, openings=1), Figures(attempts=5), State.DEGRADED, 35),
        (Health(State.HALF_OPEN, 10, START, openings=1), Figures(), State.DEGRADED, 35),
    ],
)
def test_each_step(health: Health, figures: Figures, state: State, factor: int) -> None:
    change = decide(health, figures)
    assert change
    assert (change.state, change.factor) == (state, factor)
    assert change.reason.endswith(".")


@pytest.mark.parametrize(
    ("health", "figures"),
    [
        (Health(), WELL),
        (Health(), SO_SO),
        (Health(), Figures(attempts=19, errors=19)),  # too few to say anything
        (Health(State.DEGRADED, 50, START), SO_SO),  # neither worse nor better
        (Health(State.DEGRADED, 10, START), WORSE),  # it keeps the least
    ],
)
def test_where_nothing_is_to_be_changed(health: Health, figures: Figures) -> None:
    assert decide(health, figures) is None


def test_late_receipts_of_everybody_say_nothing_of_one() -> None:
    assert decide(Health(), SLOW, all_slow=True) is None
    assert decide(Health(), replace(SLOW, errors=20), all_slow=True)


def test_what_spoke_against_it_is_said_in_figures() -> None:
    change = decide(Health(), WORSE)
    assert change
    assert change.reason == "20.0 % of 100 attempts failed by its fault."


def test_a_trial_that_fails_makes_the_next_wait_longer_up_to_a_limit() -> None:
    assert [open_for(openings, RULES).total_seconds() for openings in (1, 2, 3, 9, 10**6)] == [60, 120, 240, 900, 900]


def test_a_provider_on_trial_gets_a_trickle_and_an_open_one_nothing() -> None:
    assert trial_rate(Health(State.OPEN, 0), 100) == 0
    assert trial_rate(Health(State.HALF_OPEN, 10), 100) == 10
    assert trial_rate(Health(State.HALF_OPEN, 10), 3) == 1
    assert trial_rate(Health(State.DEGRADED, 50), 100) is None


def test_an_account_that_is_off_is_open_at_once_and_stays_so() -> None:
    off = Health(since=START, enabled=False, disabled_reason="The provider refuses the account.")
    change = decide(off, WELL, after=0)
    assert change
    assert (change.state, change.factor) == (State.OPEN, 0)
    assert "refuses the account" in change.reason
    assert decide(replace(off, state=State.OPEN, factor=0), WELL) is None


@pytest.mark.parametrize(("pin", "state"), [(Pin.OPEN, State.OPEN), (Pin.HEALTHY, State.HEALTHY)])
def test_what_a_person_pinned_is_not_measured(pin: Pin, state: State) -> None:
    health = Health(state, pinned(pin, "ada").factor, START, pin=pin)
    for figures in (WELL, TERRIBLE, Figures()):
        assert decide(health, figures) is None
    assert "ada" in pinned(pin, "ada").reason


counts = st.integers(0, 200)
any_figures = st.builds(Figures, counts, counts, counts, counts)
any_series = st.lists(st.tuples(any_figures, st.sampled_from([2.0, 30.0, 90.0, 700.0])), max_size=60)


@given(any_series)
def test_under_any_figures_it_never_flaps_and_always_says_why(series: list[tuple[Figures, float]]) -> None:
    health, now = Health(), START
    for figures, seconds in series:
        now += timedelta(seconds=seconds)
        before = health
        health, change = step(health, figures, now)
        if change is None:
            continue
        assert change.reason
        assert (change.state, change.factor) != (before.state, before.factor)
        assert before.since is None or now - before.since >= timedelta(seconds=RULES.min_seconds)
        assert 0 <= change.factor <= 100
        assert (change.factor == 100) == (change.state == State.HEALTHY)
        assert (change.factor == 0) == (change.state == State.OPEN)
        if change.factor > before.factor and before.state == State.DEGRADED:
            assert before.since
            assert now - before.since >= timedelta(seconds=RULES.rise_seconds)


@given(any_series, st.sampled_from([WELL, Figures()]))
def test_from_wherever_it_is_good_news_or_none_bring_it_back(series: list[tuple[Figures, float]], end: Figures) -> None:
    health, now = Health(), START
    for figures, seconds in series:
        now += timedelta(seconds=seconds)
        health, _ = step(health, figures, now)
    for _ in range(12):
        now += timedelta(seconds=RULES.open_most_seconds)
        health, _ = step(health, end, now)
    assert (health.state, health.factor, health.openings) == (State.HEALTHY, 100, 0)
