"""What this floor has of one person, taken away: appointments with their reminders and tasks, plans, conversations, and
links in messages."""

from collections import Counter
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from campaigns.links import single
from campaigns.models import Appointment, AppointmentFile, Conversation, Plan, Reminder, StaffTask

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


def erase_files(*, uploaded_before: datetime) -> int | None:
    """Delete the contents of files of appointments; how many. None: one is under way, come again.

    All of them: they name people by whatever their own system calls them, which no number tells. Each is a copy of what
    was read. The contents go before their names, as those of imports do.
    """
    with transaction.atomic():
        kept = AppointmentFile.objects.filter(created_at__lt=uploaded_before).exclude(Q(file="") & Q(results_file=""))
        uploads = list(kept.select_for_update().order_by("pk")[:BATCH])
        if any(
            upload.status in (AppointmentFile.Status.CHECKING, AppointmentFile.Status.APPLYING) for upload in uploads
        ):
            return None
        for upload in uploads:
            for name in ("file", "results_file"):
                stored = getattr(upload, name)
                if stored:
                    stored.storage.delete(stored.name)
                    setattr(upload, name, "")
            upload.save(update_fields=["file", "results_file"])
        return len(uploads)


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
