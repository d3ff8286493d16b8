"""Rows of messages of their own, and the one statement that writes them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from delivery import bodies
from delivery.ids import month_of_id
from delivery.models import Message


class Row(NamedTuple):
    """In the order of _INSERT's columns. `body` is the text in clear: it is sealed when it is written."""

    id: UUID
    contact_id: int | None
    provider_id: int | None
    sender_id: int | None
    routed: bool
    recipient: str
    country: str
    body: str
    encoding: str
    segments: int
    cost: Decimal
    lane: int
    status: str
    reason: str
    not_before: datetime | None
    valid_until: datetime | None
    place_id: int | None
    waits_for: str
    created_at: datetime
    final_at: datetime | None


_COLUMNS = ", ".join(Row._fields)
_TYPES = (
    *("uuid", "bigint", "bigint", "bigint", "boolean", "text", "text", "bytea", "text", "smallint", "numeric"),
    *("smallint", "text", "text", "timestamptz", "timestamptz", "integer", "text", "timestamptz", "timestamptz"),
)
_INSERT = f"""
INSERT INTO delivery_message ({_COLUMNS}, campaign_id, error_code, attempt, provider_message_id)
SELECT {_COLUMNS}, 0, '', 1, ''
FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)}) AS new ({_COLUMNS}) ORDER BY id
ON CONFLICT (id) DO NOTHING RETURNING id
"""


def write(rows: Sequence[Row]) -> set[UUID]:
    """Write them, in the caller's transaction. Returns the ids of those that were not there already.

    Raises LookupError when an id's month is not open.
    """
    if not rows:
        return set()
    ciphers = {month: bodies.sealer(month) for month in {month_of_id(row.id) for row in rows}}
    sealed = [
        row._replace(body=bodies.seal_with(ciphers[month_of_id(row.id)], row.id, row.body))  # type: ignore[arg-type]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*sealed, strict=True)])
        return {message_id for (message_id,) in cursor.fetchall()}


def as_message(row: Row) -> Message:
    """The message that such a row is, without reading it again."""
    message = Message(**row._asdict())
    message._state.adding = False
    return message
