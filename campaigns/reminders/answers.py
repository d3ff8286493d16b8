"""Answers to reminders, and what follows when there is none.

Whoever reads incoming texts says `answered`; here it ends what waits for an answer. When the time for one is over, the
rule's next step follows: another rule's reminder goes out at once, or staff have a task. A step is taken once, in the
transaction that clears `escalate_at`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from campaigns.models import Appointment, Reminder
from campaigns.models.appointments import COMING
from campaigns.reminders import planning
from campaigns.signals import appointments_changed
from delivery import clock
from delivery.ids import reminder_of

BATCH = 500

_COMING = [status.value for status in sorted(COMING)]

_TAKE = """
SELECT a.id FROM campaigns_appointment AS a
WHERE a.id = ANY(ARRAY(SELECT appointment_id FROM campaigns_reminder WHERE escalate_at <= %(now)s
                       ORDER BY escalate_at LIMIT %(limit)s))
ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED
"""
_DUE = """
SELECT r.id, r.appointment_id, r.rule_id, r.time_version, rule.next_rule_id,
       a.time_version = r.time_version AND a.answered_at IS NULL AND a.status = ANY(%(coming)s)
       AND a.starts_at > %(now)s
FROM campaigns_reminder AS r
JOIN campaigns_appointment AS a ON a.id = r.appointment_id
JOIN campaigns_reminderrule AS rule ON rule.id = r.rule_id
WHERE r.appointment_id = ANY(%(appointments)s) AND r.escalate_at <= %(now)s ORDER BY r.id FOR UPDATE OF r
"""
# The second one is the reminder that its own rule has planned: drawn forward, it is still sent once.
_BRING_FORWARD = f"""
UPDATE campaigns_reminder AS kept SET due_at = %(now)s, brought_forward = true
FROM unnest(%(appointments)s::bigint[], %(rules)s::bigint[], %(versions)s::int[]) AS n (appointment, rule, version)
WHERE kept.appointment_id = n.appointment AND kept.rule_id = n.rule AND kept.time_version = n.version
  AND kept.purpose = '{Reminder.Purpose.REMINDER}' AND kept.state = '{Reminder.State.PLANNED}' AND kept.due_at > %(now)s
"""
_TASKS = """
INSERT INTO campaigns_stafftask (appointment_id, rule_id, time_version, created_at)
SELECT appointment, rule, version, %(now)s
FROM unnest(%(appointments)s::bigint[], %(rules)s::bigint[], %(versions)s::int[]) AS n (appointment, rule, version)
ON CONFLICT DO NOTHING
"""


def answered(*, appointment_id: int, at: datetime, status: Appointment.Status | None = None) -> bool:
    """Somebody has answered for this appointment: nobody is asked again, and no next step follows.

    Reminders that ask (`reply_expected`) are withdrawn, planned or queued; others still go out. `status` is what the
    answer makes of the appointment, confirmed or cancelled; `appointments_changed` is sent. False: it is answered
    already, or no longer to come.
    """
    with transaction.atomic():
        planning.share()
        appointment = Appointment.objects.select_for_update(no_key=True).get(pk=appointment_id)
        if appointment.answered_at or appointment.status not in COMING:
            return False
        appointment.answered_at = at
        appointment.status = status or appointment.status
        appointment.save(update_fields=["answered_at", "status", "updated_at"])
        asking = Reminder.objects.filter(appointment=appointment, time_version=appointment.time_version)
        asking.filter(escalate_at__isnull=False).update(escalate_at=None)
        planning.plan([appointment.pk], now=clock.now())
        change = appointment.status if status else "answered"
        appointments_changed.send(sender=Appointment, appointments=[appointment.pk], change=change)
    return True


def asked_by(message_id: UUID) -> Reminder | None:
    """The reminder that a message is of, if it asks for an answer: for whoever matches an incoming text to it."""
    return next(iter(asked_by_each([message_id])), None)


def asked_by_each(message_ids: Sequence[UUID]) -> list[Reminder]:
    """The same of many messages, in their order, without those that asked nothing."""
    of = {message_id: reminder_of(message_id) for message_id in message_ids}
    ids = [pk for pk in of.values() if pk is not None]
    if not ids:
        return []
    asking = Reminder.objects.select_related("appointment__contact", "rule").filter(rule__reply_expected=True)
    found = {reminder.message_id: reminder for reminder in asking.filter(pk__in=ids, message_id__in=message_ids)}
    return [found[message_id] for message_id in message_ids if message_id in found]


def escalate(limit: int = BATCH) -> int:
    """Take the next step of what nobody has answered in time. Returns how many were looked at."""
    with transaction.atomic():
        planning.share()
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"now": now, "limit": limit})
            appointments = [pk for (pk,) in cursor.fetchall()]
            if not appointments:
                return 0
            cursor.execute(_DUE, {"appointments": appointments, "now": now, "coming": _COMING})
            rows = cursor.fetchall()
            unanswered = [row for row in rows if row[5]]
            for statement, steps in (
                (_BRING_FORWARD, [(a, following, v) for _, a, _, v, following, _ in unanswered if following]),
                (_TASKS, [(a, rule, v) for _, a, rule, v, following, _ in unanswered if not following]),
            ):
                if steps:
                    of, rules, versions = (list(column) for column in zip(*steps, strict=True))
                    cursor.execute(statement, {"now": now, "appointments": of, "rules": rules, "versions": versions})
            Reminder.objects.filter(pk__in=[row[0] for row in rows]).update(escalate_at=None)
    return len(rows)
