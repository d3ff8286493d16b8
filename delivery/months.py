"""Months: messages, with their timelines, earlier attempts, parts, requests and reactions, are cut by the month of the
message's id.

A month is open when it has partitions and a key for its texts. There is no partition for whatever else may come: a
row of a month that is not open is refused, so months are opened well ahead, after every migration and by housekeeping.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from delivery import bodies
from delivery.ids import month_bounds, month_of, months_later
from delivery.models import Month

#: Open at any time: so many before this month, for clocks that differ, and so many after it.
BEHIND, AHEAD = 1, 3

# A message is updated three or four times in its first minutes: leave room on the page, and vacuum after a share of
# rows that a busy hub reaches in minutes rather than days. So is a part, once or twice. Timeline and
# reactions only grow, and attempts are few.
TABLES: Mapping[str, str] = {
    "delivery_message": (
        "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02"
    ),
    "delivery_messageevent": "autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05",
    "delivery_attempt": "autovacuum_analyze_scale_factor = 0.05",
    "delivery_messagepart": (
        "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05"
    ),
    "delivery_messagerequest": "autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05",
    "delivery_reaction": "autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05",
}

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('smshub months', 0))"
# Of those that are open already, one may lack a table that is younger than it.
_MISSING = f"""
SELECT wanted.month
FROM (SELECT unnest(%s::date[]) AS month UNION SELECT month FROM delivery_month WHERE dropped_at IS NULL) AS wanted
LEFT JOIN delivery_month AS known USING (month)
WHERE known.dropped_at IS NULL
  AND (known.month IS NULL
       OR EXISTS (SELECT 1 FROM unnest(ARRAY{list(TABLES)}) AS parent
                  WHERE to_regclass(parent || to_char(wanted.month, '_YYYY_MM')) IS NULL))
ORDER BY wanted.month
"""
# Attached rather than created as a partition: that needs no lock which a claim or a read has to wait for.
_PARTITION = """
CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED) WITH ({storage});
ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ('{first}') TO ('{end}')
"""


def partition(parent: str, month: date) -> str:
    return f"{parent}_{month:%Y_%m}"


def missing(now: datetime | None = None) -> list[date]:
    """Months that should be open and are not, or lack a table."""
    this = month_of(now or timezone.now())
    wanted = [months_later(this, number) for number in range(-BEHIND, AHEAD + 1)]
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [wanted])
        return [month for (month,) in cursor.fetchall()]


def open_ahead(now: datetime | None = None) -> list[date]:
    """Open what should be open. Returns what was opened; of two at once, one does."""
    opened = missing(now)
    for month in opened:
        open_month(month)
    return opened


def open_month(month: date) -> None:
    """Partitions, and a key. Harmless if it is open, or was dropped."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        known, _ = Month.objects.get_or_create(
            month=month, defaults={"body_key": bodies.new_key(month), "opened_at": timezone.now()}
        )
        if known.dropped_at:
            return
        first, end = month_bounds(month)
        for parent, storage in TABLES.items():
            name = partition(parent, month)
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone() == (None,):
                cursor.execute(_PARTITION.format(partition=name, parent=parent, storage=storage, first=first, end=end))
    bodies.forget()


def after_migrate(**_: Any) -> None:
    """For `post_migrate`: by then the tables are there, unless somebody went back to before they were."""
    if Month._meta.db_table in connection.introspection.table_names():
        open_ahead()
