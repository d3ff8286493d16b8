"""A clinic that asks people by text, and hears what they answer."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from campaigns.models import Appointment, Conversation, ConversationReply, Reminder
from campaigns.reminders import due
from contacts.models import Contact
from delivery.inbound.store import store
from delivery.models import Message, Sender
from delivery.providers.base import InboundText
from delivery.states import Status
from tests.factories import DefaultSenderFactory
from tests.reminder_factories import AppointmentFactory, ReminderFactory, ReminderRuleFactory


class Clinic:
    """One sender, and the people who write to it."""

    def __init__(self) -> None:
        self.sender: Sender = DefaultSenderFactory(display_name="Elm Street Clinic")

    def asks(self, contact: Contact, *, rule: Any = None, **appointment: Any) -> Reminder:
        """A reminder that asks for an answer, and has been sent."""
        rule = rule or ReminderRuleFactory(reply_expected=True, sender=self.sender)
        now = timezone.now()
        reminder: Reminder = ReminderFactory(
            appointment=AppointmentFactory(contact=contact, **appointment),
            rule=rule,
            due_at=now,
            valid_until=now + timedelta(hours=12),
        )
        due.hand_over_batch()
        reminder.refresh_from_db()
        Message.objects.filter(pk=reminder.message_id).update(status=Status.DELIVERED)
        return reminder

    def hears(self, contact: Contact, body: str, opt_out_type: str = "") -> Conversation:
        text = InboundText(f"MO{uuid4().hex}", contact.phone, self.sender.address, body, opt_out_type)
        assert store(self.sender.provider_id, text)
        return Conversation.objects.get(phone=contact.phone)


def said_to(contact: Contact) -> list[str | None]:
    """What the hub has said by itself, oldest first."""
    replies = ConversationReply.objects.values_list("message_id", flat=True)
    return [m.body for m in Message.objects.filter(recipient=contact.phone, pk__in=replies).order_by("id")]


def as_it_is(reminder: Reminder) -> Appointment:
    return Appointment.objects.get(pk=reminder.appointment_id)
