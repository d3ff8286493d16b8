"""Where messages are kept: is there room for those to come, and can what they say be read?"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.wording import figure
from delivery import bodies, months, retention
from delivery.ids import month_of, months_later
from smshub.doctor.findings import Finding, problem, warning


def open_months() -> Iterator[Finding]:
    missing = months.missing()
    soon = months_later(month_of(timezone.now()), 1)
    if missing:
        found = problem if any(month <= soon for month in missing) else warning
        yield found(
            _("There is no table for messages of %(month)s: from its first day on none can be stored.")
            % {"month": date_format(missing[0], "F Y")},
            _("See that beat runs and that a worker reads the queue default, or run: python manage.py migrate"),
        )


def text_keys() -> Iterator[Finding]:
    locked = bodies.locked()
    if locked:
        more = _(
            "Texts of %(month)s and %(number)s more months cannot be read with the keys there are, and so not sent."
        )
        one = _("Texts of %(month)s cannot be read with the keys there are, and so cannot be sent.")
        yield problem(
            (more if len(locked) > 1 else one)
            % {"month": date_format(locked[0], "F Y"), "number": figure(len(locked) - 1)},
            _("Put the key that was in use then at the end of FIELD_ENCRYPTION_KEYS, and restart everything."),
        )


def overdue(patience: timedelta = timedelta(days=2)) -> Iterator[Finding]:
    for month in retention.due(timezone.now() - patience)[:1]:
        why = (
            _("some of its messages are still open")
            if retention.has_open(month)
            else _("somebody reads without a pause")
        )
        yield warning(
            _("Messages of %(month)s are older than they are to be kept: %(why_words)s.")
            % {"month": date_format(month, "F Y"), "why_words": why},
            _("Cancel campaigns that are on pause since then; end long transactions."),
        )
