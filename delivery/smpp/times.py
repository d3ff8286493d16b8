"""Times as SMPP writes them (SMPP 3.4 7.1.1): sixteen characters, `YYMMDDhhmmsstnnp`.

`p` is "+" or "-" where the time is that of a zone `nn` quarters of an hour away from UTC, and "R" where it is a span of
years, months, days, hours, minutes and seconds from now.
"""

import re
from datetime import UTC, datetime, timedelta

_form = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])", re.ASCII).fullmatch
_QUARTER = timedelta(minutes=15)


def read(text: str, *, now: datetime) -> datetime | None:
    """The moment; None for an empty text. Raises ValueError for anything else that is no time.

    Years of a span count 365 days and months 30, for the specification does not say.
    """
    if not text:
        return None
    found = _form(text)
    if found is None:
        raise ValueError("not a time")
    year, month, day, hour, minute, second, tenth, quarters = map(int, found.groups()[:8])
    if found[9] == "R":
        return now + timedelta(days=365 * year + 30 * month + day, hours=hour, minutes=minute, seconds=second)
    if quarters > 48:
        raise ValueError("not a zone")
    local = datetime(2000 + year, month, day, hour, minute, second, tenth * 100_000, tzinfo=UTC)
    offset = quarters * _QUARTER
    return local - offset if found[9] == "+" else local + offset


def write(moment: datetime) -> str:
    """In UTC."""
    return f"{moment.astimezone(UTC):%y%m%d%H%M%S}{moment.microsecond // 100_000}00+"
