"""Answers to questions, applied: the appointment confirmed or cancelled, staff told, and one true word back."""

from datetime import datetime, timedelta

from campaigns.conversations import automatic, matching, standard
from campaigns.conversations.matching import Answer
from campaigns.conversations.questions import Asked
from campaigns.models import Appointment, Conversation, Reminder, StaffTask
from campaigns.models.appointments import COMING
from campaigns.models.conversations import Action
from campaigns.reminders import answers, texts
from delivery.models import Inbound

Status = Appointment.Status
Flag = Conversation.Flag

#: The same answer within this time is one that was sent twice, and not one to an older question.
TWICE = timedelta(minutes=2)

_BECOMES = {Action.CONFIRM: Status.CONFIRMED, Action.CANCEL: Status.CANCELLED}


def apply(conversation: Conversation, inbound: Inbound, asked: Asked, answer: Answer) -> None:
    """Do what the answer asks for and say what is so now. Changes the conversation and leaves it to be saved."""
    at = inbound.received_at
    reminder = asked.reminder
    if answer.action == Action.STAFF:
        conversation.unread = True
    elif answer.action == Action.REPLY:
        _say(conversation, reminder, "", answer, at)
    elif asked.is_open and _settle(reminder, answer.action, at):
        said = {Action.CONFIRM: "confirmed", Action.CANCEL: "cancelled"}.get(answer.action, "passed_on")
        conversation.unread = conversation.unread or answer.action == Action.CALL
        if answer.action == Action.CANCEL and _is_told_of_the_cancellation(reminder):
            return
        _say(conversation, reminder, said, answer, at)
    else:
        _late(conversation, reminder, answer.action, at)


def is_twice(asked: Asked, newest: Asked | None, action: Action, at: datetime) -> bool:
    """Whether the newest question has just been answered in this way."""
    if newest is None or newest.reminder.pk == asked.reminder.pk:
        return False
    appointment = newest.reminder.appointment
    answered_at = appointment.answered_at
    return answered_at is not None and answered_at > at - TWICE and appointment.status == _BECOMES.get(action)


def _settle(reminder: Reminder, action: Action, at: datetime) -> bool:
    """False: somebody else has answered, or called it off, at this moment."""
    done = answers.answered(appointment_id=reminder.appointment_id, at=at, status=_BECOMES.get(action))
    if done and action == Action.CALL:
        _ask_for_a_call(reminder)
    return done


def _ask_for_a_call(reminder: Reminder) -> None:
    """One task, however often they ask."""
    StaffTask.objects.get_or_create(
        appointment=reminder.appointment,
        rule=reminder.rule,
        time_version=reminder.time_version,
        reason=StaffTask.Reason.CALL,
    )


def _late(conversation: Conversation, reminder: Reminder, action: Action, at: datetime) -> None:
    """Say how things stand. What contradicts that is for staff."""
    appointment = Appointment.objects.select_related("contact").get(pk=reminder.appointment_id)
    reminder.appointment = appointment
    wanted = _BECOMES.get(action)
    if appointment.status == Status.CANCELLED:
        said, contradicts = "cancelled", wanted == Status.CONFIRMED
    elif appointment.status not in COMING or appointment.starts_at <= at:
        said, contradicts = "over", True
    elif appointment.time_version != reminder.time_version:
        said, contradicts = "moved", wanted == Status.CANCELLED
    elif action == Action.CALL:
        _ask_for_a_call(reminder)
        said, contradicts, conversation.unread = "passed_on", False, True
    elif appointment.status == Status.CONFIRMED and wanted == Status.CONFIRMED:
        said, contradicts = "confirmed", False
    else:
        said, contradicts = "passed_on", True
    if contradicts:
        conversation.unread, conversation.flag = True, Flag.CONTRADICTION
    _say(conversation, reminder, said, None, at)


def _say(conversation: Conversation, reminder: Reminder, said: str, answer: Answer | None, at: datetime) -> None:
    languages = matching.languages_of(conversation.contact or reminder.appointment.contact)
    own = answer.rule.replies if answer and answer.rule else {}
    body = automatic.in_language(own, languages)
    if not body and said:
        body = _usual(reminder.appointment, said, languages)
    if body:
        about = f"{reminder.appointment_id}:{reminder.appointment.time_version}:{said}" if said else ""
        automatic.say(conversation, body, automatic.Kind.ANSWER, at, about=about)


def _usual(appointment: Appointment, said: str, languages: list[str]) -> str:
    language = next((tag for tag in languages if tag in standard.SAID), "en")
    local = texts.context(
        {"language": language, "country": appointment.contact.country},
        starts_at=appointment.starts_at,
        time_zone=appointment.time_zone,
        kind=appointment.kind,
        attributes={},
    )["appointment"]
    when = dict(local) if isinstance(local, dict) else {}
    sentence: str = getattr(standard.SAID[language], said)
    return sentence.format(date=when.get("date", ""), time=when.get("time", ""))


def _is_told_of_the_cancellation(reminder: Reminder) -> bool:
    """Whether a rule has a text of its own for it, which is planned by now."""
    return Reminder.objects.filter(
        appointment=reminder.appointment_id,
        time_version=reminder.time_version,
        purpose=Reminder.Purpose.CANCELLATION,
    ).exists()
