"""Where a line stands in a timeline, and which rows of a table lie before it.

Lines of all kinds are in one order: by their moment, then by the rank of their kind, then by a number of the row. A
position is that of a line; what comes after it on the next page is found in each kind's own index.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from delivery import ids

_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = TypeVar("Row", bound=Model)


class Kind(IntEnum):
    """What a line is about; also its rank among lines of the same moment."""

    SENT = 1
    RECEIVED = 2
    CLICK = 3
    CONSENT = 4
    SUPPRESSED = 5
    LIFTED = 6
    APPOINTMENT = 7
    IMPORT = 8


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Of a line: its moment, the rank of its kind, and a number that is its row's alone within the kind."""

    at: datetime
    kind: int
    number: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND:x}-{self.kind}-{self.number:x}"


def position(text: str) -> Position | None:
    """What `str` made of one; None: it is none."""
    try:
        at, kind, number = text.split("-")
        found = Position(_EPOCH + int(at, 16) * _MICROSECOND, Kind(int(kind)), int(number, 16))
    except (ValueError, OverflowError):
        return None
    size = 128 if found.kind in (Kind.SENT, Kind.RECEIVED, Kind.CLICK) else 63
    return found if 0 <= found.number < 2**size and found.at.year < 9000 else None


def by_time(
    rows: QuerySet[Row], kind: Kind, before: Position | None, at: str, number: str = "id", value: Any = None
) -> QuerySet[Row]:
    """`at` is the column of the moment, `number` that of the row's number, `value` the position's as it is there."""
    if before is None:
        return rows
    if kind != before.kind:
        return rows.filter(**{f"{at}__lte" if kind < before.kind else f"{at}__lt": before.at})
    value = before.number if value is None else value
    return rows.filter(Q(**{f"{at}__lt": before.at}) | Q(**{at: before.at, f"{number}__lt": value}))


def by_id(rows: QuerySet[Row], kind: Kind, before: Position | None) -> QuerySet[Row]:
    """Of rows whose id is their moment, to the millisecond."""
    if before is None:
        return rows
    if kind == before.kind:
        return rows.filter(id__lt=UUID(int=before.number))
    is_whole = before.at.microsecond % 1000 == 0
    # One of the same millisecond lies before it, unless that moment is whole and its kind comes after.
    return rows.filter(
        id__lt=ids.first_id(before.at, timedelta(0) if is_whole and kind > before.kind else _MILLISECOND)
    )


def at_id(kind: Kind, row_id: UUID) -> Position:
    return Position(ids.moment(row_id), kind, row_id.int)
