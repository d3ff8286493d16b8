"""When a text may arrive: pure functions of a moment, the time zones that are possible, rules and holidays.

A rule says for each kind of day between which times of the wall clock texts may arrive. Several rules (two states')
and several zones are all kept at once. Where a clock is set forward or back the hours are read in the stricter way:
what opens at a time that comes twice opens the second time, what closes then closes the first time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

#: No calendar has so many holidays in a row. What is not open within these days never is.
HORIZON = timedelta(days=32)

_DAY = timedelta(days=1)
_SUNDAY, _SATURDAY = 6, 5


class OnHolidays(models.TextChoices):
    SAME = "same", _("As on any other day")
    AS_SUNDAY = "sunday", _("As on a Sunday")
    NONE = "none", _("No texts")


class DayKind(StrEnum):
    WEEKDAY = "weekday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class NeverOpen(ValueError):
    """There is no moment within HORIZON that the rules allow in all zones at once."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `opens` until just before `closes`, by the wall clock; `closes` at 00:00 is the end of the day.

    Raises ValueError where that is no time at all.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError("the hours end before they begin")


@dataclass(frozen=True, slots=True)
class Rule:
    """Hours by kind of day; None: no texts on such a day."""

    weekday: Hours | None
    saturday: Hours | None
    sunday: Hours | None
    on_holidays: OnHolidays = OnHolidays.SAME

    def on(self, day: date, holiday: bool) -> Hours | None:
        if holiday and self.on_holidays is OnHolidays.NONE:
            return None
        if day.weekday() == _SUNDAY or (holiday and self.on_holidays is OnHolidays.AS_SUNDAY):
            return self.sunday
        return self.saturday if day.weekday() == _SATURDAY else self.weekday


@dataclass(frozen=True, slots=True)
class Window:
    """Texts may arrive from `opens` until just before `closes`; both in UTC."""

    opens: datetime
    closes: datetime


IsHoliday = Callable[[date], bool]


def no_holidays(_: date) -> bool:
    return False


def next_allowed(
    moment: datetime, zones: Sequence[str], rules: Sequence[Rule], is_holiday: IsHoliday = no_holidays
) -> datetime:
    """The first moment from this one on at which a text may arrive. Raises NeverOpen."""
    return max(moment, next_window(moment, zones, rules, is_holiday).opens)


def next_window(
    moment: datetime, zones: Sequence[str], rules: Sequence[Rule], is_holiday: IsHoliday = no_holidays
) -> Window:
    """The window that a moment is in, else the next one: open in every zone, by every rule. Raises NeverOpen.

    Without any rule, or without a zone, it is open since yesterday, and until HORIZON from now.
    """
    pairs = [(ZoneInfo(zone), rule) for zone in zones for rule in rules]
    at, end = moment, moment + HORIZON
    if not pairs:
        return Window(moment - _DAY, end)
    while at <= end:
        windows = [_window(at, zone, rule, is_holiday, end) for zone, rule in pairs]
        opens, closes = max(window.opens for window in windows), min(window.closes for window in windows)
        if opens < closes:
            return Window(opens, closes)
        # Whichever closes first has no part in what opens last. It moves on by a day of one zone at least.
        at = closes
    raise NeverOpen("no hour is allowed in all time zones at once")


def _window(at: datetime, zone: ZoneInfo, rule: Rule, is_holiday: IsHoliday, end: datetime) -> Window:
    """Of one zone and one rule: what is open at the moment, else the next."""
    day, last = at.astimezone(zone).date(), end.astimezone(zone).date() + _DAY
    while day <= last:
        hours = rule.on(day, is_holiday(day))
        if hours and (window := _utc(day, hours, zone)) and window.closes > at:
            return window
        day += _DAY
    raise NeverOpen("no day is allowed")


@lru_cache(maxsize=8192)
def _utc(day: date, hours: Hours, zone: ZoneInfo) -> Window | None:
    closing_day = day + _DAY if hours.closes == time(0) else day
    opens = max(_both(day, hours.opens, zone))
    closes = min(_both(closing_day, hours.closes, zone))
    return Window(opens, closes) if opens < closes else None


def _both(day: date, wall: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments a wall clock may mean: one, unless that time comes twice, or is left out."""
    local = datetime.combine(day, wall, tzinfo=zone)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
