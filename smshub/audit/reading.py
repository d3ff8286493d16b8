"""Reading the log: filtered, newest first, a screen or a file at a time, each from an index."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from smshub.audit.models import Entry

SCREEN = 50
_CHUNK = 2000
COLUMNS = (
    *("at", "kind", "actor_kind", "actor", "address", "subject", "object_id", "verb", "changes"),
    "request_id",
)
#: Spreadsheets take a text that begins with one of these for a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; empty: all. Both days are meant whole, in UTC."""

    actor: str = ""
    kind: str = ""
    subject: str = ""
    object_id: str = ""
    request_id: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last entry of a screen: the next one begins behind it."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


def cursor(text: str) -> Cursor | None:
    """What `str` of one made; None for anything else."""
    at, _, number = text.partition("~")
    try:
        found = Cursor(datetime.fromisoformat(at), int(number))
    except ValueError:
        return None
    return found if found.at.tzinfo and 0 <= found.id < 2**63 else None


def screen(wanted: Wanted, after: Cursor | None) -> tuple[list[Entry], Cursor | None]:
    """A screen of entries, and where the next one begins; None: there is none."""
    rows = list(_following(wanted, after)[: SCREEN + 1])
    more = len(rows) > SCREEN
    return rows[:SCREEN], (Cursor(rows[SCREEN - 1].at, rows[SCREEN - 1].pk) if more else None)


def csv_lines(wanted: Wanted) -> Iterator[str]:
    """All entries as lines of a CSV file, in bounded memory."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    after: Cursor | None = None
    while rows := list(_following(wanted, after)[:_CHUNK]):
        for row in rows:
            yield writer.writerow([_safe(cell) for cell in _cells(row)])
        after = Cursor(rows[-1].at, rows[-1].pk)


def _following(wanted: Wanted, after: Cursor | None) -> QuerySet[Entry]:
    found = Entry.objects.order_by("-at", "-id")
    for name in ("actor", "kind", "subject", "object_id", "request_id"):
        if value := getattr(wanted, name):
            found = found.filter(**{name: value})
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=_midnight(wanted.until) + timedelta(days=1))
    if after:
        found = found.filter(Q(at__lte=after.at) & (Q(at__lt=after.at) | Q(id__lt=after.id)))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _cells(row: Entry) -> Iterator[str]:
    for name in COLUMNS:
        value = getattr(row, name)
        yield json.dumps(value, ensure_ascii=False) if name == "changes" else "" if value is None else str(value)


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line
