"""Rules that are open or shut whatever the time is at which the tests run."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from delivery.models import AllowedHours

_CLOCK = {"IS": "Atlantic/Reykjavik", "US": "America/New_York"}

#: In a country of one zone that is UTC's, so that a test need not think of any other.
ICELAND = "+3546111234"


def hours(*, country: str = "IS", state: str = "", open_now: bool, **fields: object) -> AllowedHours:
    """The line of a country, on every day the same: around the clock, or four hours that are hours away from now."""
    if open_now:
        opens, closes = time(0), time(0)
    else:
        hour = datetime.now(ZoneInfo(_CLOCK.get(country, "UTC"))).hour
        opens, closes = (time(16), time(20)) if 2 <= hour < 14 else (time(6), time(10))
    kinds = ("weekday", "saturday", "sunday")
    values = {f"{kind}_{end}": at for kind in kinds for end, at in (("from", opens), ("until", closes))}
    line, _ = AllowedHours.objects.update_or_create(country=country, state=state, defaults={**values, **fields})
    return line
