"""What this floor has of one person, taken away: appointments with their reminders and tasks, plans, conversations, and
links in messages."""

from collections import Counter

from django.db import transaction

from campaigns.links import single
from campaigns.models import Appointment, Conversation, Plan, Reminder, StaffTask

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


def erase_conversations(phone: str) -> Counter[str]:
    """They hold no texts: there is one for each address that was written to, with who answered."""
    with transaction.atomic():
        found = Conversation.objects.filter(phone=phone)
        number = found.count()
        found.delete()
    return +Counter({"conversations": number})


def erase_links(phone: str) -> Counter[str]:
    """One batch, all of it or nothing; nothing: they are all gone. Found by the messages, so before these lose the
    number; their campaigns' links say nothing of them."""
    return +Counter({"links in messages": single.erase_batch(phone, limit=BATCH)})
