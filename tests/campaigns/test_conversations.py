"""What people write back: joined to what they were asked, answered by rule, and else left to staff."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.conversations import automatic
from campaigns.models import Appointment, Conversation, Reminder, StaffTask
from campaigns.signals import appointments_changed
from contacts.consent import is_suppressed
from contacts.consents import opt_in, standing
from contacts.consents.ledger import Line
from contacts.models import Contact
from delivery.models import Inbound
from tests.campaigns.talking import Clinic, as_it_is, said_to
from tests.conversation_factories import AnswerRuleFactory, AutoReplyFactory
from tests.factories import ContactFactory, SuppressionFactory, TemplateVersionFactory
from tests.reminder_factories import ReminderFactory, ReminderRuleFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def ada() -> Contact:
    return ContactFactory(language="en", country="US")


@pytest.mark.parametrize("body", ["1", " 1. ", "1️⃣", "１", "١", "YES", "ok", "confirmed!"])
def test_a_one_confirms_stops_reminding_and_says_so(clinic: Clinic, ada: Contact, body: str) -> None:
    reminder = clinic.asks(ada)
    later = ReminderFactory(appointment=reminder.appointment, rule=ReminderRuleFactory(reply_expected=True))

    conversation = clinic.hears(ada, body)

    appointment = as_it_is(reminder)
    assert (appointment.status, appointment.answered_at is not None) == ("confirmed", True)
    later.refresh_from_db()
    assert later.state == Reminder.State.WITHDRAWN
    assert not conversation.unread
    (said,) = said_to(ada)
    assert said is not None
    assert said.startswith("Thank you. Your appointment on ")
    assert said.endswith(" is confirmed.")


def test_a_two_cancels_and_a_three_asks_for_a_call(clinic: Clinic, ada: Contact) -> None:
    bob = ContactFactory()
    cancelled, called = clinic.asks(ada), clinic.asks(bob)

    clinic.hears(ada, "2")
    conversation = clinic.hears(bob, "3")

    assert as_it_is(cancelled).status == "cancelled"
    assert as_it_is(called).status == "booked"
    assert as_it_is(called).answered_at is not None
    task = StaffTask.objects.get()
    assert (task.appointment, task.reason) == (called.appointment, StaffTask.Reason.CALL)
    assert conversation.unread


def test_floors_above_are_told_of_an_answer(clinic: Clinic, ada: Contact) -> None:
    heard: list[tuple[list[int], str]] = []

    def listen(appointments: list[int], change: str, **_: Any) -> None:
        heard.append((appointments, change))

    reminder = clinic.asks(ada)
    appointments_changed.connect(listen)
    try:
        clinic.hears(ada, "1")
    finally:
        appointments_changed.disconnect(listen)
    assert heard == [([reminder.appointment_id], "confirmed")]


@pytest.mark.parametrize(
    ("language", "body", "status"),
    [
        ("es", "Sí", "confirmed"),
        ("es", "cancelar", "cancelled"),
        ("de", "ABSAGEN", "cancelled"),
        ("ja", "はい", "confirmed"),
        ("", "oui", "confirmed"),
        ("pl", "tak", "confirmed"),
    ],
)
def test_an_answer_counts_in_any_language_and_is_answered_in_the_persons(
    clinic: Clinic, language: str, body: str, status: str
) -> None:
    contact = ContactFactory(language=language)
    reminder = clinic.asks(contact)

    clinic.hears(contact, body)

    assert as_it_is(reminder).status == status
    (said,) = said_to(contact)
    assert said is not None
    assert "{" not in said
    assert ("Your appointment" in said) == (language == "")


def test_the_latest_open_question_is_answered_and_a_double_answer_answers_no_other(
    clinic: Clinic, ada: Contact
) -> None:
    older, newer = clinic.asks(ada), clinic.asks(ada)

    clinic.hears(ada, "1")
    assert (as_it_is(older).status, as_it_is(newer).status) == ("booked", "confirmed")

    clinic.hears(ada, "1")
    assert as_it_is(older).status == "booked"

    Appointment.objects.filter(pk=newer.appointment_id).update(answered_at=timezone.now() - timedelta(minutes=5))
    clinic.hears(ada, "1")
    assert as_it_is(older).status == "confirmed"


def test_a_repeated_answer_is_told_how_things_stand_once(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    clinic.hears(ada, "2")
    assert len(said_to(ada)) == 1

    for _ in range(3):
        conversation = clinic.hears(ada, "2")

    assert as_it_is(reminder).status == "cancelled"
    assert len(said_to(ada)) == 1
    assert not conversation.unread


def test_a_change_of_mind_goes_to_staff_with_a_true_word(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    clinic.hears(ada, "1")

    conversation = clinic.hears(ada, "2")

    assert as_it_is(reminder).status == "confirmed"
    assert (conversation.unread, conversation.flag) == (True, Conversation.Flag.CONTRADICTION)
    assert said_to(ada)[-1] == "Thank you. We have noted it and will get in touch with you."


def test_a_call_may_be_asked_for_after_all_and_is_one_task(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    clinic.hears(ada, "1")

    for _ in range(2):
        conversation = clinic.hears(ada, "call me")

    assert as_it_is(reminder).status == "confirmed"
    assert StaffTask.objects.get().reason == StaffTask.Reason.CALL
    assert (conversation.unread, conversation.flag) == (True, Conversation.Flag.NONE)


def test_what_is_asked_afterwards_has_no_usual_answers(clinic: Clinic, ada: Contact) -> None:
    rule = ReminderRuleFactory(reply_expected=True, sender=clinic.sender, direction=1)
    AnswerRuleFactory(action="reply", words={"any": ["5"]}, replies={"en": "Thank you."}, rule=rule)
    reminder = clinic.asks(ada, rule=rule, starts_at=timezone.now() - timedelta(hours=2))

    clinic.hears(ada, "5")
    conversation = clinic.hears(ada, "1")

    assert said_to(ada) == ["Thank you."]
    assert as_it_is(reminder).answered_at is None
    assert conversation.unread


def test_an_answer_to_a_time_that_is_no_longer_is_told_the_new_one(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    Appointment.objects.filter(pk=reminder.appointment_id).update(time_version=2)

    clinic.hears(ada, "1")

    assert as_it_is(reminder).status == "booked"
    (said,) = said_to(ada)
    assert said is not None
    assert "has been moved to" in said


def test_an_answer_after_the_appointment_changes_nothing(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    Appointment.objects.filter(pk=reminder.appointment_id).update(starts_at=timezone.now() - timedelta(hours=1))

    conversation = clinic.hears(ada, "1")

    assert as_it_is(reminder).status == "booked"
    assert conversation.unread


@pytest.mark.parametrize("body", ["Can I bring my dog?", "1 or 2?", "", "😀", "no"])
def test_what_is_no_answer_waits_for_staff(clinic: Clinic, ada: Contact, body: str) -> None:
    reminder = clinic.asks(ada)

    conversation = clinic.hears(ada, body)

    assert as_it_is(reminder).answered_at is None
    assert (conversation.unread, conversation.contact) == (True, ada)
    assert said_to(ada) == []


def test_a_number_without_a_question_is_no_answer(clinic: Clinic, ada: Contact) -> None:
    assert clinic.hears(ada, "1").unread


def test_the_hubs_own_rules_go_before_the_standard_ones_and_the_narrowest_first(clinic: Clinic, ada: Contact) -> None:
    rule = ReminderRuleFactory(reply_expected=True, sender=clinic.sender)
    AnswerRuleFactory(action="staff", words={"any": ["1"]})
    AnswerRuleFactory(action="reply", words={"en": ["1"]}, replies={"en": "Bring your card."}, rule=rule)
    reminder = clinic.asks(ada, rule=rule)
    bob = ContactFactory()
    others = clinic.asks(bob)

    clinic.hears(ada, "1")
    conversation = clinic.hears(bob, "1")

    assert said_to(ada) == ["Bring your card."]
    assert as_it_is(reminder).answered_at is None
    assert (as_it_is(others).answered_at, conversation.unread) == (None, True)


def test_a_word_that_says_two_things_is_decided_by_the_persons_languages_or_by_staff(clinic: Clinic) -> None:
    AnswerRuleFactory(action="confirm", words={"cs": ["no"]})
    AnswerRuleFactory(action="cancel", words={"es": ["no"]})
    czech, spaniard, unknown = (ContactFactory(language=tag) for tag in ("cs", "es", ""))
    reminders = [clinic.asks(contact) for contact in (czech, spaniard, unknown)]

    for contact in (czech, spaniard, unknown):
        clinic.hears(contact, "no")

    assert [as_it_is(reminder).status for reminder in reminders] == ["confirmed", "cancelled", "booked"]


def test_a_cancellation_that_a_rule_has_a_text_for_is_told_by_that_alone(clinic: Clinic, ada: Contact) -> None:
    rule = ReminderRuleFactory(
        reply_expected=True, sender=clinic.sender, cancel_template=TemplateVersionFactory(body="It is off.").template
    )
    clinic.asks(ada, rule=rule)

    clinic.hears(ada, "2")

    assert said_to(ada) == []
    assert Reminder.objects.filter(purpose="cancellation", state="planned").exists()


def test_cancel_stops_all_texts_and_staff_are_told_that_it_may_have_been_meant_otherwise(
    clinic: Clinic, ada: Contact
) -> None:
    reminder = clinic.asks(ada)

    conversation = clinic.hears(ada, "CANCEL")

    assert is_suppressed(ada.phone)
    assert as_it_is(reminder).status == "booked"
    assert (conversation.unread, conversation.flag) == (True, Conversation.Flag.STOPPED_A_QUESTION)


def test_stop_start_and_help_trouble_nobody_and_a_refusal_does(clinic: Clinic, ada: Contact) -> None:
    for body in ("STOP", "START", "HELP"):
        assert not clinic.hears(ada, body).unread
    conversation = clinic.hears(ada, "please stop texting me")
    assert (conversation.unread, conversation.flag) == (True, Conversation.Flag.REFUSED)
    assert Inbound.objects.filter(keyword="refusal").count() == 1


def test_a_code_of_an_opt_in_is_understood_and_troubles_nobody(clinic: Clinic, ada: Contact) -> None:
    AutoReplyFactory(sender=clinic.sender, open_texts={"en": "We will answer soon."})
    consent = Line(ada.phone, "granted", "marketing", "web_form", timezone.now(), wording="News", evidence="Form 7")
    code = opt_in.request(consent).code

    conversation = clinic.hears(ada, f"{code}!")

    assert standing.state_of(ada.phone, "marketing") == "granted"
    assert not conversation.unread
    assert said_to(ada) == []
    assert clinic.hears(ada, code).unread, "asked and answered: now it is only a number"
    assert len(said_to(ada)) == 1


def test_a_code_does_not_open_a_conversation_that_staff_have_closed(clinic: Clinic, ada: Contact) -> None:
    clinic.hears(ada, "hello")
    Conversation.objects.update(status=Conversation.Status.CLOSED, unread=False)
    consent = Line(ada.phone, "granted", "marketing", "web_form", timezone.now(), wording="News", evidence="Form 7")

    assert clinic.hears(ada, opt_in.request(consent).code).status == Conversation.Status.CLOSED


def test_two_machines_that_answer_each_other_come_to_an_end(clinic: Clinic, ada: Contact) -> None:
    AnswerRuleFactory(action="reply", words={"any": ["9"]}, replies={"en": "Send 9 for more."})
    clinic.asks(ada)

    for _ in range(20):
        conversation = clinic.hears(ada, "9")

    most_in_minutes = automatic.MOST[0][1]
    assert len(said_to(ada)) == most_in_minutes
    assert conversation.flag == Conversation.Flag.LOOP


def test_nothing_is_said_to_somebody_who_has_opted_out(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    SuppressionFactory(phone=ada.phone)

    clinic.hears(ada, "1")

    assert as_it_is(reminder).status == "confirmed"
    assert said_to(ada) == []
