"""Where messages are kept: is there room for those to come, and can what they say be read?"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from delivery import bodies, months, retention
from delivery.ids import month_of, months_later
from smshub.doctor.findings import Finding, problem, warning


def open_months() -> Iterator[Finding]:
    missing = months.missing()
    soon = months_later(month_of(timezone.now()), 1)
    if missing:
        found = problem if any(month <= soon for month in missing) else warning
        yield found(
            f"There is no table for messages of {missing[0]:%B %Y}: from its first day on none can be stored.",
            "See that beat runs and that a worker reads the queue default, or run: python manage.py migrate",
        )


def text_keys() -> Iterator[Finding]:
    locked = bodies.locked()
    if locked:
        more = f" and {len(locked) - 1} more months" if len(locked) > 1 else ""
        yield problem(
            f"Texts of {locked[0]:%B %Y}{more} cannot be read with the keys there are, and so cannot be sent.",
            "Put the key that was in use then at the end of FIELD_ENCRYPTION_KEYS, and restart everything.",
        )


def overdue(patience: timedelta = timedelta(days=2)) -> Iterator[Finding]:
    for month in retention.due(timezone.now() - patience)[:1]:
        why = "some of its messages are still open" if retention.has_open(month) else "somebody reads without a pause"
        yield warning(
            f"Messages of {month:%B %Y} are older than they are to be kept: {why}.",
            "Cancel campaigns that are on pause since then; end long transactions.",
        )
