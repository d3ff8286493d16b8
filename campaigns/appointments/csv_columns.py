"""Columns of CSV files whose first line does not use our own names, and times as people write them."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time

from contacts.importing.mapping import known_as
from contacts.importing.words import plain

#: What may stand in the place of `start` and `name`, until a row is `joined`.
DAY, CLOCK = "date", "time"
HALVES = ("first_name", "last_name")

# In English, German, French, Spanish, as `plain` writes them. Those of people are known from files of contacts.
_NAMES = {
    "id": """id|nr|no|appointment id|appointment number|appointment no|booking id|booking number|termin id|termin nr
        |terminnummer|terminnr|buchungsnummer|lfd nr|fallnummer|numero de rendez vous|numero de cita""",
    "start": """start|begin|begins|beginn|starts at|start time|starttime|date time|datetime|date and time|appointment
        |termin|terminbeginn|zeitpunkt|datum uhrzeit|datum und uhrzeit|datum zeit|debut|rendez vous|inicio|cita""",
    DAY: "date|day|appointment date|start date|datum|tag|termindatum|jour|fecha|dia",
    CLOCK: "time|appointment time|uhrzeit|zeit|terminzeit|heure|hora",
    "kind": """kind|type|appointment type|service|reason|art|terminart|was|leistung|behandlung|anlass|motif|tipo
        |motivo""",
}
_NAMED = {name.strip(): ours for ours, names in _NAMES.items() for name in names.split("|")}
_OF_A_PERSON = {"phone", "name", "time_zone", *HALVES}

_DAY_AND_TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d)|(\d{1,2}\.\d{1,2}\.\d{4}))[ ,]+(\d.*)")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?\s*(?:(am|pm)|uhr|h)?", re.IGNORECASE)


def named(header: Sequence[str]) -> list[str]:
    """The columns by our names as far as they are known by another; the first of a kind, others keep theirs."""
    found: list[str] = []
    for cell in header:
        ours = _NAMED.get(plain(cell), "")
        if not ours and (target := known_as(cell)) in _OF_A_PERSON:
            ours = target
        found.append(ours if ours and ours not in found else cell)
    if "start" in found and DAY in found:
        # "Termin" with its "Datum" and "Uhrzeit" is what the appointment is about.
        found[found.index("start")] = header[found.index("start")]
    return found


def joined(row: dict[str, str]) -> dict[str, str]:
    """A row of such a file with one `start` and one `name`."""
    joins = {DAY, CLOCK, *HALVES}
    start = " ".join(filter(None, (row.get("start") or row.get(DAY), row.get(CLOCK))))
    name = row.get("name") or " ".join(filter(None, map(row.get, HALVES)))
    return {**{column: cell for column, cell in row.items() if column not in joins}, "start": start, "name": name}


def begins(text: str) -> datetime:
    """When an appointment begins: in ISO 8601, or as 2026-05-04 or 4.5.2026 with a time of day as people write it.

    Days with slashes are read one way here and another there. Raises ValueError for these, and for a day with dots
    and no time.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        match = _DAY_AND_TIME.fullmatch(text)
        if match is None:
            raise
    iso, dotted, clock = match.groups()
    day = date.fromisoformat(iso) if iso else date(*map(int, reversed(dotted.split("."))))
    return datetime.combine(day, _time(clock))


def _time(text: str) -> time:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a time of day")
    hour, minute, second, half = int(match[1]), int(match[2]), int(match[3] or 0), (match[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of half a day")
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute, second)
