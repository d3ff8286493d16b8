"""One reminder for each appointment, rule and version of its time, whatever happens to any of them."""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Appointment, Reminder, ReminderRule, StaffTask
from campaigns.reminders import answers, due
from contacts.consents import ledger
from contacts.consents.ledger import Line
from delivery.ids import reminder_of
from delivery.models import Message, MessageEvent
from tests.campaigns.calendar import VirtualClock, planner, put, reminders, texts, utc, virtual_clock, visit
from tests.factories import ContactFactory, DefaultSenderFactory, SuppressionFactory, TemplateVersionFactory
from tests.reminder_factories import ReminderRuleFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(db: None) -> Iterator[VirtualClock]:
    DefaultSenderFactory()
    with virtual_clock(utc("2026-06-01T12:00")) as mine:
        yield mine


def change(rule: ReminderRule, **fields: Any) -> None:
    ReminderRule.objects.filter(pk=rule.pk).update(replan=True, **fields)


def test_a_reminder_goes_out_when_it_is_due_and_once(now: VirtualClock) -> None:
    ReminderRuleFactory(amount=2, unit="days", at_time=time(9, 0))
    put(visit(contact=ContactFactory(name="Ada Byron", country="GB"), starts="2026-06-05T14:30"))

    now.set(utc("2026-06-03T06:59"))
    planner()
    assert texts() == []

    now.set(utc("2026-06-03T07:00"))  # nine o'clock in Berlin
    planner()
    planner()
    assert texts() == ["Hi Ada, see you on Fri 5 Jun at 14:30."]
    message = Message.objects.get()
    reminder = Reminder.objects.get()
    assert (reminder.state, reminder.message_id, reminder_of(message.pk)) == ("submitted", message.pk, reminder.pk)
    assert message.lane == reminder.rule.lane


@pytest.mark.parametrize(
    ("zone", "starts", "unit", "at_time", "due_at"),
    [
        # Clocks go forward on 29 March 2026 in Berlin: days keep the hour, hours are exact.
        ("Europe/Berlin", "2026-03-30T10:00", "days", None, "2026-03-28T09:00"),
        ("Europe/Berlin", "2026-03-30T10:00", "hours", None, "2026-03-30T06:00"),
        # 02:30 is no time on that day: as much later as clocks go forward.
        ("Europe/Berlin", "2026-03-31T10:00", "days", time(2, 30), "2026-03-29T01:30"),
        # 01:30 is there twice on 1 November 2026 in New York: the first of them.
        ("America/New_York", "2026-11-03T10:00", "days", time(1, 30), "2026-11-01T05:30"),
        # Half an hour in Lord Howe: on 5 April 2026 01:45 is there twice, on 4 October 02:15 is not.
        ("Australia/Lord_Howe", "2026-04-07T10:00", "days", time(1, 45), "2026-04-04T14:45"),
        ("Australia/Lord_Howe", "2026-10-06T10:00", "days", time(2, 15), "2026-10-03T15:45"),
    ],
)
def test_it_is_due_by_the_clock_of_the_place(
    now: VirtualClock, zone: str, starts: str, unit: str, at_time: time | None, due_at: str
) -> None:
    now.set(utc("2026-01-01T00:00"))
    ReminderRuleFactory(amount=2, unit=unit, at_time=at_time)
    put(visit(starts=starts, time_zone=zone))
    assert Reminder.objects.get().due_at == utc(due_at)


def test_one_that_is_moved_is_reminded_of_at_the_new_time_only(now: VirtualClock) -> None:
    ReminderRuleFactory()
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-05T10:00"))
    put(visit(contact=ada, starts="2026-06-09T10:00"))

    now.set(utc("2026-06-04T09:00"))
    planner()
    assert texts() == []
    assert reminders() == [("withdrawn", "moved", 1), ("planned", "", 2)]


def test_what_is_queued_for_the_old_time_is_withdrawn_and_its_timeline_says_why(now: VirtualClock) -> None:
    ReminderRuleFactory()
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-02T14:00"))
    planner()
    put(visit(contact=ada, starts="2026-06-09T10:00"))

    message = Message.objects.get()
    assert message.status == "cancelled"
    assert reminders() == [("withdrawn", "moved", 1), ("planned", "", 2)]
    assert list(message.events.values_list("detail", flat=True)) == ["The appointment was moved."]


def test_what_has_left_has_left_and_the_timeline_says_so(now: VirtualClock) -> None:
    ReminderRuleFactory()
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-02T14:00"))
    planner()
    Message.objects.update(status="sent")
    put(visit(contact=ada, starts="2026-06-02T14:00", status="cancelled"))

    assert reminders() == [("submitted", "left", 1)]
    assert Message.objects.get().status == "sent"
    event = MessageEvent.objects.get()
    assert (event.status, event.detail) == ("sent", "The appointment was cancelled.")


def test_a_cancellation_is_told_if_the_rule_says_so_and_once(now: VirtualClock) -> None:
    told = TemplateVersionFactory(body="Your visit of {{ appointment.date }} is off.").template
    ReminderRuleFactory(cancel_template=told)
    ReminderRuleFactory(cancel_template=told, amount=2)
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-09T10:00"))
    for _ in range(2):
        put(visit(contact=ada, starts="2026-06-09T10:00", status="cancelled"))
        planner()
    assert texts() == ["Your visit of Tue, Jun 9 is off."]
    now.set(utc("2026-06-08T10:00"))
    planner()
    assert len(texts()) == 1


def test_one_that_is_on_again_is_reminded_of_again(now: VirtualClock) -> None:
    ReminderRuleFactory()
    ada = ContactFactory()
    for status in ("booked", "cancelled", "booked"):
        put(visit(contact=ada, starts="2026-06-09T10:00", status=status))
    now.set(utc("2026-06-08T08:00"))
    planner()
    assert reminders() == [("withdrawn", "cancelled", 1), ("submitted", "", 2)]


def test_another_rule_changes_only_what_is_to_come(now: VirtualClock) -> None:
    rule = ReminderRuleFactory()
    put(visit("soon", starts="2026-06-02T14:00"), visit("later", starts="2026-06-09T14:00"))
    planner()
    change(rule, amount=3)
    planner()

    soon, later = Reminder.objects.order_by("appointment__starts_at")
    assert (soon.state, later.state) == ("submitted", "planned")
    assert later.due_at == utc("2026-06-06T12:00")
    assert len(texts()) == 1


def test_a_rule_that_is_switched_off_withdraws_and_on_again_takes_up_what_was_not_sent(now: VirtualClock) -> None:
    rule = ReminderRuleFactory()
    put(visit(starts="2026-06-09T14:00"))
    change(rule, enabled=False)
    planner()
    assert reminders() == [("withdrawn", "rule_off", 1)]
    change(rule, enabled=True)
    planner()
    assert reminders() == [("planned", "", 1)]


def test_a_new_rule_finds_the_appointments_that_it_is_about(now: VirtualClock) -> None:
    put(
        visit("a", starts="2026-06-09T14:00", kind="visit", attributes={"ward": "eye", "floor": 2}),
        visit("b", starts="2026-06-09T14:00", kind="visit", attributes={"ward": "ear"}),
        visit("c", starts="2026-06-09T14:00", kind="delivery", attributes={"ward": "eye"}),
        visit("d", starts="2026-06-09T14:00", kind="visit", attributes={"ward": "eye"}, status="cancelled"),
    )
    ReminderRuleFactory(kind="visit", attributes={"ward": "eye"})
    planner()
    assert list(Reminder.objects.values_list("appointment__external_id", flat=True)) == ["a"]


def test_a_planner_that_was_down_sends_what_still_makes_sense(now: VirtualClock) -> None:
    ReminderRuleFactory(valid_minutes=90)
    put(visit("a", starts="2026-06-03T14:00"), visit("b", starts="2026-06-03T15:30"))
    now.set(utc("2026-06-02T14:00"))  # two hours and half an hour late
    planner()
    assert reminders() == [("expired", "expired", 1), ("submitted", "", 1)]
    assert len(texts()) == 1


def test_nobody_is_reminded_of_what_has_begun(now: VirtualClock) -> None:
    ReminderRuleFactory(amount=1, unit="hours")
    put(visit(starts="2026-06-03T14:00"))
    now.set(utc("2026-06-03T12:00"))
    planner()
    assert reminders() == [("expired", "expired", 1)]


def test_one_that_comes_too_late_to_be_reminded_of_has_the_reason(now: VirtualClock) -> None:
    ReminderRuleFactory(amount=5)
    put(visit(starts="2026-06-03T14:00"))
    assert reminders() == [("skipped", "too_late", 1)]


def test_why_a_reminder_was_not_sent(now: VirtualClock) -> None:
    ada, bob = ContactFactory(), ContactFactory(name="")
    SuppressionFactory(phone=ada.phone)
    ReminderRuleFactory()
    put(visit("a", contact=ada, starts="2026-06-02T14:00"), visit("b", contact=bob, starts="2026-06-02T14:00"))
    planner()
    assert reminders() == [("skipped", "opted_out", 1), ("skipped", "missing_variable", 1)]
    assert Message.objects.get().status == "suppressed"


def test_who_wants_no_reminders_any_more_gets_none_and_marketing_is_another_matter(now: VirtualClock) -> None:
    ada, bob = ContactFactory(), ContactFactory()
    for contact, purpose in ((ada, "reminders"), (bob, "marketing")):
        ledger.record([Line(contact.phone, "withdrawn", purpose, "staff", utc("2026-05-01T12:00"))])
    ReminderRuleFactory()
    put(visit("a", contact=ada, starts="2026-06-02T14:00"), visit("b", contact=bob, starts="2026-06-02T14:00"))
    planner()
    assert [(state, reason) for state, reason, _ in reminders()] == [("skipped", "no_consent"), ("submitted", "")]


def test_after_an_appointment(now: VirtualClock) -> None:
    ReminderRuleFactory(direction=1, amount=2, unit="hours", statuses=["missed"], body="We missed you.")
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-02T14:00"))
    now.set(utc("2026-06-02T13:00"))
    put(visit(contact=ada, starts="2026-06-02T14:00", status="missed"))
    planner()
    assert texts() == []
    now.set(utc("2026-06-02T14:01"))
    planner()
    assert texts() == ["We missed you."]


# --- answers ----------------------------------------------------------------------------------------------------


def asking() -> tuple[ReminderRule, ReminderRule]:
    """Four days before; without an answer in a day the one of the day before comes at once, and then a task."""
    second = ReminderRuleFactory(
        reply_expected=True, unanswered_minutes=600, valid_minutes=6000, body="Second: 1 or 2?"
    )
    first = ReminderRuleFactory(
        reply_expected=True, unanswered_minutes=1440, next_rule=second, amount=4, body="First: 1 or 2?"
    )
    return first, second


def test_without_an_answer_the_second_comes_earlier_and_then_staff_have_a_task(now: VirtualClock) -> None:
    asking()
    put(visit(starts="2026-06-10T12:00"))
    now.set(utc("2026-06-06T10:00"))
    planner()
    now.forward(hours=24)
    planner()
    assert texts() == ["First: 1 or 2?", "Second: 1 or 2?"]
    now.forward(hours=10)
    for _ in range(2):
        planner()
    now.set(utc("2026-06-09T10:00"))  # when the second would have been due
    planner()
    assert len(texts()) == 2
    assert StaffTask.objects.get().appointment.external_id == "v1"


def test_an_answer_ends_it(now: VirtualClock) -> None:
    asking()
    ReminderRuleFactory(body="Bring your papers.")
    put(visit(starts="2026-06-10T12:00"))
    now.set(utc("2026-06-06T10:00"))
    planner()
    Message.objects.update(status="delivered")
    asked = answers.asked_by(Message.objects.get().pk)
    assert asked
    first = answers.answered(appointment_id=asked.appointment_id, at=now(), status=Appointment.Status.CONFIRMED)
    assert first
    assert not answers.answered(appointment_id=asked.appointment_id, at=now())

    now.set(utc("2026-06-09T12:00"))
    planner()
    assert texts() == ["First: 1 or 2?", "Bring your papers."]
    assert not StaffTask.objects.exists()
    assert Appointment.objects.get().status == "confirmed"


def test_a_source_that_has_not_heard_of_the_confirmation_does_not_undo_it(now: VirtualClock) -> None:
    ada = ContactFactory()
    put(visit(contact=ada, starts="2026-06-10T12:00"))
    answers.answered(appointment_id=Appointment.objects.get().pk, at=now(), status=Appointment.Status.CONFIRMED)
    put(visit(contact=ada, starts="2026-06-10T12:00", kind="visit"))
    assert Appointment.objects.get().status == "confirmed"
    put(visit(contact=ada, starts="2026-06-11T12:00", status="rescheduled"))
    assert Appointment.objects.get().status == "rescheduled"


# --- the work of a batch ----------------------------------------------------------------------------------------


def test_a_batch_takes_as_many_queries_for_many_as_for_few(now: VirtualClock) -> None:
    ReminderRuleFactory()

    def queries(number: int) -> int:
        start = now() + timedelta(hours=23)
        put(*(visit(f"{number}/{n}", starts=start) for n in range(number)))
        with CaptureQueriesContext(
            connection,
        ) as few:
            assert due.hand_over_batch() == number
        return len(few)

    queries(1)
    assert queries(2) == queries(60)


def test_what_two_planners_have_at_once_goes_out_once(now: VirtualClock) -> None:
    ReminderRuleFactory()
    put(*(visit(str(n), starts=now() + timedelta(hours=23)) for n in range(30)))
    while due.hand_over_batch(limit=7):
        pass
    assert len(texts()) == 30
    # Were the state of one lost, the key of its message would still be there.
    Reminder.objects.update(state="planned", message_id=None)
    planner()
    assert len(texts()) == 30
