"""The real claim on a virtual clock, and a carrier that delivers at once whatever it is given.

Postgres is told the time by functions that stand before its own in the search path, so the very statements that hold,
release and claim messages go by the clock of the test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from delivery import claim, queue
from delivery.ids import ANYTIME
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.timerules import bound, places, release

_VIRTUAL = """
CREATE SCHEMA virtual;
CREATE FUNCTION virtual.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT pg_catalog.current_setting('virtual.now')::pg_catalog.timestamptz $$;
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT pg_catalog.current_setting('virtual.now')::pg_catalog.timestamptz $$;
SET search_path = virtual, public, pg_catalog;
"""
_DELIVERED = "UPDATE delivery_message SET status = 'delivered', final_at = %s, lease_until = NULL WHERE id = ANY(%s)"
#: Of a stream at once; what is left is claimed in the next round.
_MOST = 2_000


class Delivered(NamedTuple):
    message_id: UUID
    phone: str


@contextmanager
def database_on_a_virtual_clock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_VIRTUAL)
        yield
        cursor.execute("RESET search_path; DROP SCHEMA virtual CASCADE")


def tell_the_time(now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('virtual.now', %s, false)", [now.isoformat()])


def hold_and_release() -> None:
    """What the queue's tick does of it."""
    if places.move_on():
        release.hold_shut()
    queue.promote(seconds=60)


def deliver(sender: Sender, countries: list[str], *, now: datetime) -> list[Delivered]:
    """Everything that may leave at this moment, claimed as a worker does, on its handset."""
    if not Message.objects.filter(status="queued").exists():
        return []
    statement = claim.statement(most=_MOST, capped=True)
    lanes = [lane.value for lane in bound.lanes()]
    parameters = {
        "provider_id": sender.provider_id,
        "lanes": [Lane.REMINDER.value] * len(countries),
        "campaigns": [0] * len(countries),
        "senders": [sender.pk] * len(countries),
        "countries": countries,
        "budgets": [100 * _MOST] * len(countries),
        "most": [_MOST] * len(countries),
        "budgeted": [],
        "bound": lanes,
        "lease_seconds": 60,
        "floor": ANYTIME,
    }
    found: list[Delivered] = []
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            sent = [Delivered(row["id"], row["recipient"]) for row in rows if row["status"] == "sending"]
            cursor.execute(_DELIVERED, [now, [one.message_id for one in sent]])
        found += sent
        if not rows:
            return found
