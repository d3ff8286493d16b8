"""What this floor has of one person, taken away: appointments with their reminders and tasks, and plans."""

from collections import Counter

from django.db import transaction

from campaigns.models import Appointment, Plan, Reminder, StaffTask

BATCH = 500


def erase_batch(contact_id: int) -> Counter[str]:
    """One batch, all of it or nothing. Returns what was erased, by kind; nothing: it is all gone."""
    with transaction.atomic():
        ids = list(Appointment.objects.filter(contact=contact_id).order_by("pk").values_list("pk", flat=True)[:BATCH])
        counts: Counter[str] = Counter()
        for kind, rows in (
            ("staff tasks", StaffTask.objects.filter(appointment__in=ids)),
            ("reminders", Reminder.objects.filter(appointment__in=ids)),
            ("appointments", Appointment.objects.filter(pk__in=ids)),
        ):
            counts[kind] = rows.delete()[0] if ids else 0
        if not ids:
            counts["plans"] = Plan.objects.filter(contact=contact_id).delete()[0]
    return +counts
