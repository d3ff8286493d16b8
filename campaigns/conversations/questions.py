"""What an incoming text answers: the questions that its writer was asked by the sender they write to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Reminder, ReminderRule
from campaigns.models.appointments import COMING
from campaigns.reminders import answers
from delivery.ids import first_id
from delivery.models import Message, Sender
from delivery.states import UNCLAIMED, Status

#: Questions are found among so many of the last messages, and no older ones than this.
LOOKED_AT = 50
OLDEST = timedelta(days=60)

_NEVER_LEFT = (*UNCLAIMED, Status.SUPPRESSED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """A reminder that asked for an answer, and whether one is still wanted."""

    reminder: Reminder
    is_open: bool


def asked(phone: str, sender: Sender, now: datetime) -> list[Asked]:
    """What this sender has asked this number, the newest first."""
    sent = (
        Message.objects.filter(recipient=phone, id__gte=first_id(now - OLDEST))
        .order_by("-id")
        .values_list("id", "sender_id", "status")[:LOOKED_AT]
    )
    ids = [pk for pk, owner, status in sent if owner == sender.pk and status not in _NEVER_LEFT]
    return [Asked(reminder, _is_open(reminder, now)) for reminder in answers.asked_by_each(ids)]


def is_about_coming(reminder: Reminder) -> bool:
    """Whether it asked before the appointment. What is asked afterwards has no usual answers."""
    return reminder.rule.direction == ReminderRule.Direction.BEFORE


def _is_open(reminder: Reminder, now: datetime) -> bool:
    appointment = reminder.appointment
    return (
        appointment.answered_at is None
        and appointment.status in COMING
        and appointment.time_version == reminder.time_version
        and appointment.starts_at > now
    )
