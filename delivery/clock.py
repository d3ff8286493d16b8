"""The one clock that all processes share: the database's.

A machine's own may be wrong. What one process writes and another compares (leases, times to send and to ask, what
makes an absence believed) is told by this one: here, or as `statement_timestamp()` within a statement. What stays
within a process is measured by `time.monotonic`.
"""

from datetime import datetime
from typing import cast

from django.db import connection


def now() -> datetime:
    """The database's time as it is asked, within a transaction as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cast(tuple[datetime], cursor.fetchone())
        return moment
