"""Retention: months of messages older than RETENTION_MONTHS are dropped whole, and what must outlive them is kept.

1. `_detach` takes a month's partitions off, if nothing in them is open. That needs the tables for itself for a moment,
   and whoever comes meanwhile waits behind it: so it gives up quickly, and comes again.
2. `_finish` sums the month up, drops its tables and shreds the key of its texts, in one transaction. Nobody else sees
   these tables any more, so it may take its time. Killed before it, it is done by the next run.

Tallies, suppressions and texts received stay; the latter lose their text with the key.
"""

from datetime import date, datetime

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from delivery import bodies
from delivery.ids import month_of, months_later
from delivery.models import Month
from delivery.months import TABLES, partition
from delivery.states import ASKABLE, Status, sql_in

log = structlog.get_logger(__name__)

#: A claim that comes while we wait for a reader waits as long.
LOCK_MILLISECONDS = 100
ATTEMPTS = 3

# In the order of an index each: a look at what is open costs the same however large the month is.
_OPEN = f"""
SELECT (SELECT true FROM {{table}} WHERE status = '{Status.QUEUED}'
        ORDER BY provider_id, lane, campaign_id, sender_id, created_at LIMIT 1),
       (SELECT true FROM {{table}} WHERE status = '{Status.HELD}' ORDER BY not_before LIMIT 1),
       (SELECT true FROM {{table}} WHERE status = '{Status.SENDING}' ORDER BY lease_until LIMIT 1),
       (SELECT true FROM {{table}} WHERE status IN {sql_in(ASKABLE)} ORDER BY ask_at LIMIT 1)
"""
_SUMMARISE = """
INSERT INTO delivery_monthsummary
    (month, campaign_id, provider_id, country, sender_id, status, reason, messages, segments, cost)
SELECT %s, campaign_id, provider_id, country, sender_id, status, reason, count(*), sum(segments), sum(cost)
FROM {table} GROUP BY campaign_id, provider_id, country, sender_id, status, reason
"""


def drop_old(now: datetime | None = None) -> list[date]:
    """Drop the months that are due, as far as that can be had. Returns those that are gone."""
    now = now or timezone.now()
    for month in due(now):
        _try_to_detach(month, now)
    unfinished = Month.objects.filter(dropped_at__isnull=False, body_key__isnull=False).order_by("month")
    return [month for month in unfinished.values_list("month", flat=True) if _finish(month)]


def due(now: datetime) -> list[date]:
    """Months that are older than they are to be kept."""
    if not settings.RETENTION_MONTHS:
        return []
    oldest = months_later(month_of(now), -settings.RETENTION_MONTHS)
    kept = Month.objects.filter(dropped_at=None, month__lt=oldest).order_by("month")
    return list(kept.values_list("month", flat=True))


def has_open(month: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN.format(table=partition("delivery_message", month)))
        return any(cursor.fetchone())


def _try_to_detach(month: date, now: datetime) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _detach(month, now)
            return
        except OperationalError as error:
            if attempt == ATTEMPTS:
                log.info("month_not_dropped", month=f"{month:%Y-%m}", error=type(error).__name__)


def _detach(month: date, now: datetime) -> None:
    """Raises OperationalError when somebody reads or writes for longer than we wait."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
        for parent in TABLES:
            cursor.execute(f"LOCK TABLE ONLY {parent} IN ACCESS EXCLUSIVE MODE")
        if has_open(month):
            return
        for parent in TABLES:
            cursor.execute(f"ALTER TABLE {parent} DETACH PARTITION {partition(parent, month)}")
        Month.objects.filter(month=month).update(dropped_at=now)


def _finish(month: date) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        mine = Month.objects.select_for_update(skip_locked=True).filter(month=month, body_key__isnull=False)
        if not mine.exists():
            return False
        cursor.execute(_SUMMARISE.format(table=partition("delivery_message", month)), [month])
        for parent in TABLES:
            cursor.execute(f"DROP TABLE {partition(parent, month)}")
        Month.objects.filter(month=month).update(body_key=None)
    bodies.forget()
    log.info("month_dropped", month=f"{month:%Y-%m}")
    return True
