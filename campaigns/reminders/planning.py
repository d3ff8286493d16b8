"""Planning: from appointments and rules to reminders with a time, always as sets of SQL.

An appointment that is written has its reminders planned in the same transaction (`plan`). A rule that is changed is
marked, and its future reminders are planned anew by the next tick (`replan_rules`). Both may be repeated: a reminder
is one row for each (appointment, rule, version of its time), and only a planned one, or one that was withdrawn before
it became a message, is touched again.

Rules are planned alone (`_alone`), appointments beside each other (`share`): what is planned is planned by the rules as
they are, and two sets of locks never cross.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from campaigns.appointments.zones import sql_utc
from campaigns.models import Reminder, ReminderRule
from campaigns.reminders.reasons import Reason, sql_of_status
from delivery import clock, control

State, Purpose = Reminder.State, Reminder.Purpose

_KEY = "hashtextextended('smshub reminders', 0)"
# Longer than any rule may reach after its appointment: what began before is nobody's future.
_REACH = "interval '400 days'"

#: Whether a rule `r` is about an appointment `a`, whatever the appointment's status.
_MEANT = "(r.kind = '' OR r.kind = a.kind) AND a.attributes @> r.attributes"
_APPLIES = f"r.enabled AND {_MEANT} AND r.statuses ? a.status AND NOT (r.reply_expected AND a.answered_at IS NOT NULL)"
_LOCAL_DUE = """
((here.local)::date + r.direction * r.amount::int + COALESCE(r.at_time, (here.local)::time))
""".strip()
# Days are those of the calendar, so ten o'clock stays ten o'clock when clocks change; hours and minutes are exact.
_DUE = f"""
CROSS JOIN LATERAL (SELECT a.starts_at AT TIME ZONE a.time_zone AS local OFFSET 0) AS here
CROSS JOIN LATERAL (SELECT {_LOCAL_DUE} AS local OFFSET 0) AS there
CROSS JOIN LATERAL (
    SELECT CASE r.unit
        WHEN 'days' THEN {sql_utc("there.local", "a.time_zone")}
        WHEN 'hours' THEN a.starts_at + r.direction * r.amount * interval '1 hour'
        ELSE a.starts_at + r.direction * r.amount * interval '1 minute' END AS due_at OFFSET 0) AS due
CROSS JOIN LATERAL (
    SELECT LEAST(due.due_at + r.valid_minutes * interval '1 minute',
                 CASE WHEN due.due_at < a.starts_at THEN a.starts_at END) AS valid_until OFFSET 0) AS until
"""

# One that is too late already has a row as well: whoever looks finds the reason. A rule that is changed says nothing
# about what is past.
_PLAN = f"""
INSERT INTO campaigns_reminder AS kept (appointment_id, rule_id, purpose, time_version, due_at, valid_until, state,
    reason, brought_forward, created_at)
SELECT a.id, r.id, '{Purpose.REMINDER}', a.time_version, due.due_at, until.valid_until,
    CASE WHEN until.valid_until > %(now)s THEN '{State.PLANNED}' ELSE '{State.SKIPPED}' END,
    CASE WHEN until.valid_until > %(now)s THEN '' ELSE '{Reason.TOO_LATE}' END, false, %(now)s
FROM campaigns_appointment AS a JOIN campaigns_reminderrule AS r ON {_APPLIES}
{_DUE}
WHERE {{scope}}
ON CONFLICT (appointment_id, rule_id, purpose, time_version) DO UPDATE SET
    due_at = CASE WHEN kept.brought_forward THEN LEAST(kept.due_at, excluded.due_at) ELSE excluded.due_at END,
    valid_until = excluded.valid_until, state = excluded.state, reason = excluded.reason
WHERE (kept.state = '{State.PLANNED}'
       AND (kept.due_at, kept.valid_until) IS DISTINCT FROM (excluded.due_at, excluded.valid_until))
   OR (kept.state = '{State.WITHDRAWN}' AND kept.message_id IS NULL)
   OR (kept.state = '{State.SKIPPED}' AND kept.reason = '{Reason.TOO_LATE}' AND excluded.state = '{State.PLANNED}')
"""
_OF_APPOINTMENTS = "a.id = ANY(%(ids)s)"
_OF_RULE = f"r.id = %(rule)s AND a.starts_at > %(now)s - {_REACH} AND until.valid_until > %(now)s"

_LOCK = f"""
SELECT id FROM campaigns_reminder
WHERE appointment_id = ANY(%(ids)s) AND state IN ('{State.PLANNED}', '{State.SUBMITTED}') ORDER BY id FOR UPDATE
"""
#: Why a reminder `kept` of appointment `a` by rule `r` is no longer to be sent; null: it is.
_WHY = f"""
CASE WHEN kept.time_version <> a.time_version THEN '{Reason.MOVED}'
     WHEN kept.purpose = '{Purpose.CANCELLATION}' THEN CASE WHEN a.status <> 'cancelled' THEN '{Reason.NOT_MEANT}' END
     WHEN NOT r.enabled THEN '{Reason.RULE_OFF}'
     WHEN NOT ({_MEANT}) THEN '{Reason.NOT_MEANT}'
     WHEN NOT r.statuses ? a.status THEN {sql_of_status("a.status")}
     WHEN r.reply_expected AND a.answered_at IS NOT NULL THEN '{Reason.ANSWERED}' END
"""
_WITHDRAW = f"""
UPDATE campaigns_reminder AS kept SET state = '{State.WITHDRAWN}', reason = ({_WHY})
FROM campaigns_appointment AS a, campaigns_reminderrule AS r
WHERE a.id = kept.appointment_id AND r.id = kept.rule_id AND kept.state = '{State.PLANNED}' AND {{scope}}
  AND ({_WHY}) IS NOT NULL
"""
# What was handed over and is no longer right, once: `reason` remembers that it was looked at. A rule that was changed
# since does not make what is under way wrong.
_HANDED_OVER = f"""
SELECT kept.id, kept.message_id, CASE
    WHEN kept.time_version <> a.time_version AND a.status <> 'cancelled' THEN '{Reason.MOVED}'
    WHEN r.statuses ? a.status AND kept.purpose = '{Purpose.REMINDER}' THEN '{Reason.ANSWERED}'
    ELSE {sql_of_status("a.status")} END
FROM campaigns_reminder AS kept
JOIN campaigns_appointment AS a ON a.id = kept.appointment_id
JOIN campaigns_reminderrule AS r ON r.id = kept.rule_id
WHERE kept.appointment_id = ANY(%(ids)s) AND kept.state = '{State.SUBMITTED}' AND kept.reason = ''
  AND (kept.time_version <> a.time_version
       OR (kept.purpose = '{Purpose.REMINDER}'
           AND (NOT r.statuses ? a.status OR (r.reply_expected AND a.answered_at IS NOT NULL)))
       OR (kept.purpose = '{Purpose.CANCELLATION}' AND a.status <> 'cancelled'))
ORDER BY kept.message_id
"""
_SETTLE_HANDED_OVER = """
UPDATE campaigns_reminder AS kept SET state = told.state, reason = told.reason, escalate_at = NULL
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[]) AS told (id, state, reason)
WHERE kept.id = told.id
"""
# Whoever had a reminder, or was to have one, is told; by one rule, and while it still helps.
_TELL = f"""
INSERT INTO campaigns_reminder (appointment_id, rule_id, purpose, time_version, due_at, valid_until, state, reason,
    brought_forward, created_at)
SELECT DISTINCT ON (a.id) a.id, r.id, '{Purpose.CANCELLATION}', a.time_version, %(now)s::timestamptz,
    LEAST(a.starts_at, %(now)s + r.valid_minutes * interval '1 minute'), '{State.PLANNED}', '', false, %(now)s
FROM campaigns_appointment AS a JOIN campaigns_reminderrule AS r
    ON r.enabled AND r.cancel_template_id IS NOT NULL AND {_MEANT}
WHERE a.id = ANY(%(ids)s) AND a.status = 'cancelled' AND a.starts_at > %(now)s
  AND EXISTS (SELECT 1 FROM campaigns_reminder AS had WHERE had.appointment_id = a.id AND had.rule_id = r.id
              AND had.purpose = '{Purpose.REMINDER}')
ORDER BY a.id, r.id
ON CONFLICT DO NOTHING
"""
_OVERTAKEN = f"""
UPDATE campaigns_reminder AS kept SET state = '{State.SKIPPED}', reason = '{Reason.TOO_LATE}'
FROM campaigns_appointment AS a, campaigns_reminderrule AS r {_DUE}
WHERE kept.rule_id = %(rule)s AND kept.state = '{State.PLANNED}' AND kept.purpose = '{Purpose.REMINDER}'
  AND a.id = kept.appointment_id AND r.id = kept.rule_id AND until.valid_until <= %(now)s
  AND kept.valid_until > %(now)s
"""


def share() -> None:
    """From here to the end of the transaction no rule is planned anew. Appointments are, each by whoever locks it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_KEY})")


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})")


def plan(appointment_ids: Sequence[int], *, now: datetime) -> None:
    """Make the reminders of these appointments what they are to be now.

    In the caller's transaction, which has called `share` and holds the appointments' rows. What is queued for another
    time or for nothing any more is withdrawn; of what has left its timeline says so.
    """
    if not appointment_ids:
        return
    parameters: dict[str, Any] = {"ids": list(appointment_ids), "now": now}
    with connection.cursor() as cursor:
        # Whoever is handing one of them over right now has it locked: then it is seen below as handed over.
        cursor.execute(_LOCK, parameters)
        cursor.execute(_WITHDRAW.format(scope=_OF_APPOINTMENTS), parameters)
        cursor.execute(_HANDED_OVER, parameters)
        _call_back(cursor.fetchall(), now)
        cursor.execute(_PLAN.format(scope=_OF_APPOINTMENTS), parameters)
        cursor.execute(_TELL, parameters)


def _call_back(handed_over: Sequence[tuple[int, Any, str]], now: datetime) -> None:
    if not handed_over:
        return
    why = {message_id: Reason(reason).label for _, message_id, reason in handed_over}
    withdrawn = control.withdraw({message_id: f"{label}." for message_id, label in why.items()}, now=now)

    def reason_of(message_id: Any, reason: str) -> str:
        if message_id in withdrawn:
            return reason
        # One that had left and was answered is as it should be.
        return "" if reason == Reason.ANSWERED else Reason.LEFT.value

    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE_HANDED_OVER,
            {
                "ids": [pk for pk, _, _ in handed_over],
                "states": [State.WITHDRAWN if m in withdrawn else State.SUBMITTED for _, m, _ in handed_over],
                "reasons": [reason_of(message_id, reason) for _, message_id, reason in handed_over],
            },
        )


def replan_rules() -> int:
    """Plan the future reminders of every rule that was changed, a rule to a transaction. Returns how many rules."""
    done = 0
    for pk in ReminderRule.objects.filter(replan=True).order_by("id").values_list("id", flat=True):
        done += replan_rule(pk)
    return done


def replan_rule(rule_id: int) -> bool:
    """False: it was done already. What is handed over stays as it is."""
    with transaction.atomic():
        _alone()
        if not ReminderRule.objects.filter(pk=rule_id, replan=True).update(replan=False):
            return False
        parameters: dict[str, Any] = {"rule": rule_id, "now": clock.now()}
        with connection.cursor() as cursor:
            cursor.execute(_WITHDRAW.format(scope="r.id = %(rule)s AND kept.rule_id = %(rule)s"), parameters)
            cursor.execute(_OVERTAKEN, parameters)
            cursor.execute(_PLAN.format(scope=_OF_RULE), parameters)
    return True
