"""Where the queue begins: no message older than that is open, so a claim need not look into the months before.

With years of months, half of what a claim costs is planning for partitions in which nothing waits. A process asks
once a minute. What becomes open before it meanwhile (an old failure that staff try again) waits for no more than that.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from delivery.ids import ANYTIME, month_bounds, month_of
from delivery.models import Month
from delivery.states import ASKABLE, Status, sql_in

ASK_SECONDS = 60.0
#: At the turn of a month messages may still come that were made in the last one.
CLOCKS_DIFFER = timedelta(days=1)

# In the order of an index each, so that a month in which nothing is open costs four probes, whatever it holds.
_FIRST_OPEN = f"""
SELECT month.first FROM unnest(%(firsts)s::uuid[], %(ends)s::uuid[]) WITH ORDINALITY AS month (first, stop, place)
WHERE COALESCE(
    (SELECT true FROM delivery_message WHERE id >= month.first AND id < month.stop AND status = '{Status.QUEUED}'
     ORDER BY provider_id, lane, campaign_id, sender_id, country, created_at LIMIT 1),
    (SELECT true FROM delivery_message WHERE id >= month.first AND id < month.stop AND status = '{Status.HELD}'
     ORDER BY not_before LIMIT 1),
    (SELECT true FROM delivery_message WHERE id >= month.first AND id < month.stop AND status = '{Status.SENDING}'
     ORDER BY lease_until LIMIT 1),
    (SELECT true FROM delivery_message WHERE id >= month.first AND id < month.stop AND status IN {sql_in(ASKABLE)}
     ORDER BY ask_at LIMIT 1))
ORDER BY month.place LIMIT 1
"""


@dataclass
class _Known:
    floor: UUID = ANYTIME
    asked_at: float = float("-inf")


_known = _Known()


def floor() -> UUID:
    """At or below the id of every open message, but for what was opened again in the last minute."""
    if time.monotonic() - _known.asked_at > ASK_SECONDS:
        _known.floor, _known.asked_at = first_open(timezone.now()), time.monotonic()
    return _known.floor


def forget() -> None:
    """Ask anew the next time."""
    _known.asked_at = float("-inf")


def first_open(now: datetime) -> UUID:
    """The bound of the oldest month with an open message; at the latest that of the month in which yesterday was."""
    latest = month_of(now - CLOCKS_DIFFER)
    older = Month.objects.filter(dropped_at=None, month__lt=latest).order_by("month").values_list("month", flat=True)
    bounds = [month_bounds(month) for month in older]
    values: dict[str, Any] = {"firsts": [first for first, _ in bounds], "ends": [end for _, end in bounds]}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_OPEN, values)
        row = cursor.fetchone()
    found: UUID = row[0] if row else month_bounds(latest)[0]
    return found
