"""What the patients of the clinic should get, said without the code that decides it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from delivery.models import AllowedHours, FrequencyCap

ZONES = [
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kolkata", "Asia/Tokyo", "UTC"),
]
#: Country → the hours of weekdays, Saturdays and Sundays, from and until; a country that is missing has any.
HOURS: dict[str, tuple[tuple[int, int] | None, ...]] = {
    "US": ((9, 20), (10, 18), None),
    "GB": ((8, 21), (8, 21), (9, 17)),
}
#: Numbers by country: of the last one nobody says when it may be texted.
NUMBERS = {"US": "+1415{:07d}", "GB": "+4479{:08d}", "ZM": "+26097{:07d}"}
#: Texts within a day to a number of the US.
CAP = 1


def set_up_rules() -> None:
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.all().delete()
    for country, days in HOURS.items():
        fields: dict[str, time | None] = {}
        for name, hours in zip(("weekday", "saturday", "sunday"), days, strict=True):
            fields[f"{name}_from"] = time(hours[0]) if hours else None
            fields[f"{name}_until"] = time(hours[1]) if hours else None
        AllowedHours.objects.create(country=country, source="The clinic's own rule.", **fields)
    FrequencyCap.objects.create(country="US", most=CAP, hours=24)


def may_arrive(country: str, zone: str, at: datetime) -> bool:
    """By the clock on the patient's wall."""
    if country not in HOURS:
        return True
    wall = at.astimezone(ZoneInfo(zone))
    hours = HOURS[country][max(0, wall.weekday() - 4)]
    return hours is not None and hours[0] <= wall.hour < hours[1]


def doses(zone: str, hours: tuple[int, ...], *, first: datetime, last: datetime) -> Iterator[datetime]:
    """The moments of every day's hours by the clock on the wall, after the first and until the last."""
    day: date = first.astimezone(ZoneInfo(zone)).date()
    while day <= last.astimezone(ZoneInfo(zone)).date():
        for hour in hours:
            at = datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC)
            if first < at <= last:
                yield at
        day += timedelta(days=1)
