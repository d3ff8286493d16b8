"""When a text may arrive, compared with what the wall clocks of all zones say at each moment."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.timerules.opening import Hours, NeverOpen, OnHolidays, Rule, next_allowed, next_window, no_holidays

ZONES = ("America/New_York", "America/Los_Angeles", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
#: Days on which a clock is set forward or back somewhere among ZONES, and the days around them.
MOMENTS = st.one_of(
    *(
        st.datetimes(datetime.fromisoformat(first), datetime.fromisoformat(last), timezones=st.just(UTC))
        for first, last in (
            ("2026-03-06", "2026-03-11"),
            ("2026-10-30", "2026-11-04"),
            ("2026-04-03", "2026-04-06"),
            ("2020-01-01", "2035-01-01"),
        )
    )
)


def quarters(lowest: int, highest: int) -> st.SearchStrategy[int]:
    return st.integers(lowest * 4, highest * 4)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    opens = draw(quarters(0, 23))
    closes = draw(st.integers(opens + 1, 24 * 4)) % (24 * 4)
    return Hours(time(opens // 4, opens % 4 * 15), time(closes // 4, closes % 4 * 15))


RULES = st.builds(
    Rule, st.none() | hours(), st.none() | hours(), st.none() | hours(), st.sampled_from(list(OnHolidays))
)


def is_holiday(day: date) -> bool:
    return day.day % 7 == 1


def allowed(moment: datetime, zones: Sequence[str], rules: Sequence[Rule]) -> bool:
    """By the clock on the wall of each zone, and nothing else."""
    for zone in zones:
        local = moment.astimezone(ZoneInfo(zone))
        for rule in rules:
            today = rule.on(local.date(), is_holiday(local.date()))
            if (
                today is None
                or not today.opens <= local.time()
                or not (today.closes == time(0) or local.time() < today.closes)
            ):
                return False
    return True


@given(MOMENTS, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3), st.lists(RULES, min_size=1, max_size=2))
def test_it_is_never_earlier_and_always_within_the_hours_of_every_zone(
    moment: datetime, zones: list[str], rules: list[Rule]
) -> None:
    try:
        window = next_window(moment, zones, rules, is_holiday)
    except NeverOpen:
        assert not allowed(moment, zones, rules)
        return
    at = next_allowed(moment, zones, rules, is_holiday)

    assert at == max(moment, window.opens)
    assert window.opens < window.closes
    for share in (0, 0.3, 0.5, 0.7, 0.999):
        within = at + (window.closes - at) * share
        assert allowed(within, zones, rules), within


@given(MOMENTS, st.sampled_from(ZONES), RULES)
def test_no_allowed_hour_is_passed_over(moment: datetime, zone: str, rule: Rule) -> None:
    try:
        at = next_allowed(moment, [zone], [rule], is_holiday)
    except NeverOpen:
        at = moment + timedelta(days=3)
    passed = [
        moment + timedelta(minutes=30 * n)
        for n in range(int(min(at - moment, timedelta(days=3)).total_seconds() / 1800))
    ]
    for before in passed:
        if allowed(before, [zone], [rule]):
            # Only what is read in the stricter way, because a clock was set within these two hours.
            offsets = {(before + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in (-3, 0, 3, 24)}
            assert len(offsets) > 1, before


@pytest.mark.parametrize(
    ("moment", "zones", "expected"),
    [
        ("2026-11-25T12:59:59+00:00", ["America/New_York"], "2026-11-25T13:00:00+00:00"),
        ("2026-11-25T13:00:00+00:00", ["America/New_York"], "2026-11-25T13:00:00+00:00"),
        ("2026-11-26T01:59:59+00:00", ["America/New_York"], "2026-11-26T01:59:59+00:00"),
        ("2026-11-26T02:00:00+00:00", ["America/New_York"], "2026-11-26T13:00:00+00:00"),
        # It is not eight yet in California, and after nine no longer in New York.
        ("2026-11-25T13:00:00+00:00", ["America/New_York", "America/Los_Angeles"], "2026-11-25T16:00:00+00:00"),
        ("2026-11-26T02:00:00+00:00", ["America/New_York", "America/Los_Angeles"], "2026-11-26T16:00:00+00:00"),
        # The day of the longer night: eight o'clock is an hour later in UTC than the day before.
        ("2026-11-01T02:00:00+00:00", ["America/New_York"], "2026-11-01T13:00:00+00:00"),
        ("2026-10-31T02:00:00+00:00", ["America/New_York"], "2026-10-31T12:00:00+00:00"),
    ],
)
def test_eight_to_nine_by_the_recipients_clock(moment: str, zones: list[str], expected: str) -> None:
    every_day = Hours(time(8), time(21))
    rule = Rule(every_day, every_day, every_day)
    assert next_allowed(datetime.fromisoformat(moment), zones, [rule]) == datetime.fromisoformat(expected)


def test_an_hour_that_is_left_out_opens_when_the_clock_has_passed_it() -> None:
    rule = Rule(*[Hours(time(2, 30), time(4))] * 3)
    at = next_allowed(datetime(2026, 3, 8, 6, 0, tzinfo=UTC), ["America/New_York"], [rule])
    assert at.astimezone(ZoneInfo("America/New_York")).time() >= time(2, 30)


def test_sundays_and_holidays_without_texts() -> None:
    day = Hours(time(8), time(22))
    rule = Rule(day, day, None, OnHolidays.NONE)
    saturday_night = datetime(2026, 7, 11, 21, 0, tzinfo=UTC)  # 23:00 in Paris
    bastille_day = date(2026, 7, 14)

    assert next_allowed(saturday_night, ["Europe/Paris"], [rule]) == datetime(2026, 7, 13, 6, tzinfo=UTC)
    monday_night = datetime(2026, 7, 13, 21, 0, tzinfo=UTC)
    after = next_allowed(monday_night, ["Europe/Paris"], [rule], lambda day: day == bastille_day)
    assert after == datetime(2026, 7, 15, 6, tzinfo=UTC)


def test_a_holiday_as_a_sunday() -> None:
    rule = Rule(Hours(time(9), time(18)), Hours(time(10), time(17)), Hours(time(10), time(17)), OnHolidays.AS_SUNDAY)
    at = next_allowed(datetime(2026, 7, 3, 0, tzinfo=UTC), ["UTC"], [rule], lambda day: day == date(2026, 7, 3))
    assert at.time() == time(10)


@pytest.mark.parametrize(
    ("zones", "rules"),
    [
        (["UTC"], [Rule(None, None, None)]),
        (["Pacific/Kiritimati", "Pacific/Pago_Pago"], [Rule(*[Hours(time(9), time(10))] * 3)]),
        (["UTC"], [Rule(*[Hours(time(9), time(10))] * 3), Rule(*[Hours(time(10), time(11))] * 3)]),
    ],
)
def test_what_never_opens_says_so_instead_of_looking_for_ever(zones: list[str], rules: list[Rule]) -> None:
    with pytest.raises(NeverOpen):
        next_allowed(datetime(2026, 1, 1, tzinfo=UTC), zones, rules)


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="end before"):
        Hours(time(20), time(8))


def test_without_a_rule_every_moment_is_allowed() -> None:
    moment = datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert next_allowed(moment, ["UTC"], [], no_holidays) == moment
