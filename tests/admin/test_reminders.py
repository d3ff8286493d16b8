"""Appointments, rules and tasks as staff work with them."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Appointment, Plan, Reminder, ReminderRule, StaffTask
from campaigns.reminders import planning
from tests.factories import ContactFactory, TemplateVersionFactory
from tests.reminder_factories import AppointmentFactory, ReminderRuleFactory, StaffTaskFactory

pytestmark = pytest.mark.django_db


def fields(**changed: object) -> dict[str, object]:
    return {
        "number": "+14155550100",
        "begins": "2031-05-04 14:30",
        "time_zone": "america/new_york",
        "kind": "visit",
        "status": "booked",
        "attributes": "doctor: Dr Okafor",
    } | changed


def test_an_appointment_is_added_moved_and_its_reminders_are_shown(staff: Client) -> None:
    ContactFactory(phone="+14155550100")
    ReminderRuleFactory()
    staff.post("/admin/campaigns/appointment/add/", fields())
    one = Appointment.objects.get()
    assert (one.time_zone, one.attributes) == ("America/New_York", {"doctor": "Dr Okafor"})

    staff.post(f"/admin/campaigns/appointment/{one.pk}/change/", fields(begins="2031-05-06 09:00"))
    page = staff.get(f"/admin/campaigns/appointment/{one.pk}/change/").content.decode()
    assert "The appointment was moved" in page
    assert list(Reminder.objects.order_by("id").values_list("state", flat=True)) == ["withdrawn", "planned"]


def test_what_is_wrong_is_said_on_the_form(staff: Client) -> None:
    ContactFactory(phone="+14155550100")
    for wrong, said in (
        ({"begins": "tomorrow"}, "Write it as 2026-05-04 14:30."),
        ({"time_zone": "Mars/Olympus"}, "Its time zone is not known"),
        ({"begins": "2001-05-04 14:30"}, "It begins in the past."),
        ({"number": "+14155550199"}, "No contact has this number"),
    ):
        assert said in staff.post("/admin/campaigns/appointment/add/", fields(**wrong)).content.decode()
    assert not Appointment.objects.exists()


def test_a_rule_shows_what_it_is_about_to_do(staff: Client) -> None:
    template = TemplateVersionFactory(body="Hi {{ first_name }}, {{ appointment.doctor }} expects you.").template
    AppointmentFactory(contact=ContactFactory(name="Ada Byron"), attributes={"doctor": "Dr Okafor"})
    staff.post(
        "/admin/campaigns/reminderrule/add/",
        {
            "name": "Day before",
            "enabled": "on",
            "statuses": ["booked"],
            "amount": 1,
            "unit": "days",
            "direction": -1,
            "at_time": "09:00",
            "valid_minutes": 600,
            "template": template.pk,
            "lane": 2,
        },
    )
    rule = ReminderRule.objects.get()
    assert planning.replan_rule(rule.pk)
    page = staff.get(f"/admin/campaigns/reminderrule/{rule.pk}/change/").content.decode()
    assert "Hi Ada, Dr Okafor expects you." in page
    assert re.search(r"<li>\d{4}-\d\d-\d\d \d\d:\d\d UTC: Ada Byron</li>", page)


def test_a_rule_that_makes_no_sense_is_not_saved(staff: Client) -> None:
    rule = ReminderRuleFactory()
    form = {"name": rule.name, "statuses": ["booked"], "amount": 1, "unit": "hours", "direction": -1}
    form |= {"valid_minutes": 600, "template": rule.template_id, "lane": 2, "at_time": "09:00"}
    page = staff.post(f"/admin/campaigns/reminderrule/{rule.pk}/change/", form).content.decode()
    assert "A time of day goes with days only." in page


def test_a_text_that_takes_what_is_the_appointments_for_the_contacts_is_refused_with_how_to_write_it(
    staff: Client,
) -> None:
    template = TemplateVersionFactory(body="See you on {{ date }}.", variables=["date"]).template
    form = {"name": "Day before", "statuses": ["booked"], "amount": 1, "unit": "days", "direction": -1}
    form |= {"valid_minutes": 600, "template": template.pk, "lane": 2}

    page = staff.post("/admin/campaigns/reminderrule/add/", form).content.decode()
    assert "write {{ appointment.date }} there" in page
    assert not ReminderRule.objects.exists()

    # Unless it is a contact's as well
    ContactFactory(attributes={"date": "5 May"})
    staff.post("/admin/campaigns/reminderrule/add/", form)
    assert ReminderRule.objects.exists()


def test_what_would_not_be_sent_in_the_next_two_weeks_stands_out(staff: Client) -> None:
    template = TemplateVersionFactory(body="Hi {{ first_name }}, {{ appointment.doctor }} expects you.").template
    ReminderRuleFactory(template=template)
    AppointmentFactory(contact=ContactFactory(name="Ada Byron"), starts_at=timezone.now() + timedelta(days=5))
    planning.replan_rule(ReminderRule.objects.get().pk)

    page = staff.get("/admin/campaigns/reminder/upcoming/").content.decode()

    assert "One of these would not be sent as things are." in page
    assert "Line 1: there is no value for" in page
    assert f"/admin/campaigns/reminderrule/{ReminderRule.objects.get().pk}/change/" in page


def test_the_next_two_weeks_go_by_the_clock_of_the_appointment(staff: Client) -> None:
    # Given an appointment in five days, where it is fourteen hours later than UTC, and a reminder an hour before
    at = (timezone.now() + timedelta(days=5)).replace(hour=23, minute=30, second=0, microsecond=0)
    ReminderRuleFactory(amount=1, unit="hours", at_time=None)
    AppointmentFactory(starts_at=at, time_zone="Pacific/Kiritimati")
    planning.replan_rule(ReminderRule.objects.get().pk)

    page = staff.get("/admin/campaigns/reminder/upcoming/").content.decode()

    there = at + timedelta(hours=13)  # fourteen ahead of UTC, less the hour
    assert there.strftime("%-d %b %H:%M") in " ".join(page.split())
    assert there.strftime("%A, %-d %B") in page
    assert "Pacific/Kiritimati" in page


def test_a_plan_writes_its_occurrences(staff: Client) -> None:
    ContactFactory(phone="+14155550100", time_zone="America/Chicago")
    form = {
        "number": "+14155550100",
        "starts_on": "2026-01-01",
        "at": "08:00",
        "rule": "FREQ=DAILY",
        "status": "active",
    }
    assert "FREQ must be" in staff.post("/admin/campaigns/plan/add/", form | {"rule": "FREQ=NEVER"}).content.decode()
    staff.post("/admin/campaigns/plan/add/", form | {"kind": "medication"})
    assert Plan.objects.get().occurrences.filter(starts_at__gt=timezone.now()).count() in (59, 60, 61)


def test_a_task_is_done_once(staff: Client) -> None:
    task = StaffTaskFactory()
    staff.post(f"/admin/campaigns/stafftask/{task.pk}/done/")
    done = StaffTask.objects.get()
    assert done.done_at
    assert done.done_by
