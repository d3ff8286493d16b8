"""The planner's round: what was changed is planned, what is due is handed over, and what nobody answered goes on.

Safe twice and beside its twin, for every part takes its rows for itself; killed anywhere, the next round does the rest.
"""

import time

from django.db import connection

from campaigns.appointments import plans
from campaigns.models import Reminder
from campaigns.reminders import answers, due, planning
from delivery import clock

# Each is an index probe: in the order of the index and LIMIT 1, whatever the statistics say.
_WORK = f"""
SELECT (SELECT true FROM campaigns_reminder WHERE state = '{Reminder.State.PLANNED}' AND due_at <= %(now)s
        ORDER BY due_at LIMIT 1),
       (SELECT true FROM campaigns_reminder WHERE escalate_at <= %(now)s ORDER BY escalate_at LIMIT 1),
       (SELECT true FROM campaigns_reminderrule WHERE replan ORDER BY id LIMIT 1),
       (SELECT true FROM campaigns_plan WHERE expand_at <= %(now)s ORDER BY expand_at LIMIT 1)
"""


def is_there_any() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WORK, {"now": clock.now()})
        return any(cursor.fetchone() or ())


def work(*, seconds: float) -> bool:
    """A round of at most about so many seconds, but for a rule, which is planned in one go. True: there may be more."""
    until = time.monotonic() + seconds
    planning.replan_rules()
    while plans.expand_due():
        if time.monotonic() > until:
            return True
    # Before what is due: a step that has come brings some of it forward.
    while answers.escalate() == answers.BATCH:
        if time.monotonic() > until:
            return True
    return due.hand_over(seconds=max(0.0, until - time.monotonic()))
