"""Public holidays and calendar days of a place."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from contacts.whereabouts import Place
from delivery.timerules.opening import IsHoliday


def holidays_of(place: Place) -> IsHoliday:
    """Whether a day is a public holiday there: in any of its states, or in the country where none is known."""
    calendars = _calendars(place.country, place.regions)

    def is_holiday(day: date) -> bool:
        return any(day in calendar for calendar in calendars)

    return is_holiday


@lru_cache(maxsize=512)
def _calendars(country: str, regions: tuple[str, ...]) -> tuple[Any, ...]:
    states: list[str | None] = [region.partition("-")[2] for region in regions] or [None]
    return tuple(calendar for state in states if (calendar := _calendar(country, state)) is not None)


@lru_cache(maxsize=512)
def _calendar(country: str, state: str | None) -> Any:
    """None for a country that nobody has written a calendar for."""
    import holidays  # a sixth of a second, for the few rules that ask

    for subdivision in (state, None):
        try:
            return holidays.country_holidays(country, subdiv=subdivision)
        except NotImplementedError:
            continue
    return None


def calendar_day(moment: datetime, zones: Sequence[str]) -> tuple[datetime, datetime]:
    """When the day began that it is in these zones, and when it ends: the first beginning and the last end, in UTC."""
    days = [_day(moment, ZoneInfo(zone)) for zone in zones]
    return min(begins for begins, _ in days), max(ends for _, ends in days)


def _day(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    today = moment.astimezone(zone).date()
    begins = datetime.combine(today, time(0), tzinfo=zone)
    ends = datetime.combine(today + timedelta(days=1), time(0), tzinfo=zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)
