"""Local times and the instants they name, by one rule in Python and in SQL.

A local time that exists twice, when clocks go back, is the first of the two. One that does not exist, because clocks
go forward over it, is as much later as they do: 02:30 is then 03:30. Both as RFC 5545 §3.3.5 has it for calendars.
"""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.db import connection

from contacts.importing.values import time_zone_name


@cache
def _known_to_postgres() -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        return frozenset(name for (name,) in cursor.fetchall())


def zone_name(text: str) -> str | None:
    """The IANA name, whatever the case it is written in; None if Python or Postgres does not know it."""
    name = time_zone_name(text.strip()) if len(text) <= 64 else None
    return name if name in _known_to_postgres() else None


def to_utc(local: datetime, zone: str) -> datetime:
    """The instant of a naive local time. Raises OverflowError at the ends of the calendar."""
    # Python's fold=0 is the rule above, for both kinds of odd times.
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def to_local(at: datetime, zone: str) -> datetime:
    """The naive local time of an instant."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def sql_utc(local: str, zone: str) -> str:
    """`to_utc` as a SQL expression over a timestamp without time zone.

    Postgres itself takes the second of two; the offset from three hours before gives the first, if there is one.
    """
    earlier = f"((({local}) - interval '3 hours') AT TIME ZONE {zone} + interval '3 hours')"
    return f"""(CASE WHEN {earlier} < ({local}) AT TIME ZONE {zone} AND {earlier} AT TIME ZONE {zone} = {local}
        THEN {earlier} ELSE ({local}) AT TIME ZONE {zone} END)"""
