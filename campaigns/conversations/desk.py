"""What staff do with a conversation: answer, assign, close, mark as read, stop the texts to the person."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from campaigns import templates, templating
from campaigns.models import Appointment, Conversation, ConversationReply
from campaigns.models.appointments import COMING
from campaigns.reminders import answers
from contacts import consent
from contacts.models import Contact, Suppression
from delivery import clock
from delivery.inbound.optouts import scope_of
from delivery.lanes import Lane
from delivery.models import Message
from delivery.submit import SubmitError, submit

Status, Flag = Conversation.Status, Conversation.Flag

#: Appointments that are shown beside a conversation.
MOST_APPOINTMENTS = 5
#: Where a variable of a canned reply stands that nobody has filled in.
_LEFT_OPEN = "{{"


class CannotReply(ValueError):
    """Nothing was sent; the text says why, in words for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who acts: a user, or a system by the name of its key."""

    label: str
    user: User | None = None


def reply(conversation: Conversation, *, body: str, author: Author) -> Message:
    """Queue an answer from the sender that was written to. The conversation is read by that. Raises CannotReply."""
    with transaction.atomic():
        locked = _locked(conversation)
        if locked.sender is None:
            raise CannotReply(_("They wrote to an address that is none of the senders: add it under Senders."))
        if _LEFT_OPEN in body:
            raise CannotReply(_("There is still a place to be filled in, between {{ and }}: write there what belongs."))
        if consent.is_suppressed(locked.phone, locked.sender.address):
            raise CannotReply(_("This number may not be texted: it is on the suppression list."))
        try:
            message = submit(
                recipient=locked.phone,
                body=body,
                lane=Lane.TRANSACTIONAL,
                sender=locked.sender,
                contact_id=locked.contact_id,
            )
        except SubmitError as why:
            raise CannotReply(str(why)) from None
        ConversationReply.objects.create(
            message_id=message.pk,
            conversation=locked,
            kind=ConversationReply.Kind.STAFF,
            author=author.user,
            author_label=author.label,
        )
        locked.unread, locked.flag, locked.status = False, Flag.NONE, Status.OPEN
        locked.last_text_at = max(locked.last_text_at, clock.now())
        locked.save(update_fields=["unread", "flag", "status", "last_text_at"])
    return message


def filled(body: str, contact: Contact | None) -> str:
    """A canned reply for this person; as it stands where they lack something that it names."""
    if contact is None or _LEFT_OPEN not in body:
        return body
    try:
        return templating.render(templating.parse(body), templates.context_of(contact))
    except templating.TemplateError:
        return body


def assign(conversation: Conversation, user: User | None) -> None:
    """None: to nobody."""
    Conversation.objects.filter(pk=conversation.pk).update(assigned_to=user)


def close(conversation: Conversation) -> None:
    """Until the person writes again."""
    Conversation.objects.filter(pk=conversation.pk).update(status=Status.CLOSED, unread=False, flag=Flag.NONE)


def reopen(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(status=Status.OPEN)


def mark(conversation: Conversation, *, unread: bool) -> None:
    """As read, which also settles what it was flagged for, or as unread."""
    values = {"unread": True, "status": Status.OPEN} if unread else {"unread": False, "flag": Flag.NONE}
    Conversation.objects.filter(pk=conversation.pk).update(**values)


def opt_out(conversation: Conversation, *, author: Author) -> bool:
    """Stop texts to the person, as a STOP to that sender would. False: they were stopped already."""
    evidence = gettext_noop("conversation %(number)s, by %(who)s") % {"number": conversation.pk, "who": author.label}
    scope = scope_of(conversation.sender)
    return bool(
        consent.suppress(
            phones=[conversation.phone],
            reason=Suppression.Reason.MANUAL,
            evidence=evidence,
            actor=author.user,
            scope=scope,
        )
    )


def appointments(conversation: Conversation) -> list[Appointment]:
    """Those of the person that are to come, the next first."""
    if conversation.contact_id is None:
        return []
    coming = Appointment.objects.filter(
        contact_id=conversation.contact_id, status__in=sorted(COMING), starts_at__gt=clock.now()
    )
    return list(coming.order_by("starts_at")[:MOST_APPOINTMENTS])


def settle(conversation: Conversation, *, appointment_id: int, status: Appointment.Status) -> bool:
    """Confirm or cancel what the person has written about. False: it is answered, or off, already; or not theirs."""
    if conversation.contact_id is None:
        return False
    if not Appointment.objects.filter(pk=appointment_id, contact_id=conversation.contact_id).exists():
        return False
    return answers.answered(appointment_id=appointment_id, at=clock.now(), status=status)


def _locked(conversation: Conversation) -> Conversation:
    return (
        Conversation.objects.select_for_update(of=("self",)).select_related("sender__provider").get(pk=conversation.pk)
    )
