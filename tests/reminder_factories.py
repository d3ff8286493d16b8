"""Appointments, plans, rules and reminders, as `tests.factories` has the rest."""

from datetime import date, time, timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from campaigns.models import (
    Appointment,
    AppointmentFile,
    CalendarFeed,
    Plan,
    Reminder,
    ReminderRule,
    StaffTask,
)
from tests.factories import ContactFactory, TemplateVersionFactory


def in_days(days: float) -> Any:
    return factory.LazyFunction(lambda: timezone.now() + timedelta(days=days))


class AppointmentFactory(DjangoModelFactory):
    """As it stands in the table, past `upsert`: nothing is planned for it."""

    class Meta:
        model = Appointment

    external_id = factory.Sequence(lambda n: f"visit-{n}")
    contact = factory.SubFactory(ContactFactory)
    starts_at = in_days(7)
    time_zone = "America/New_York"
    kind = "visit"


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = Plan

    external_id = factory.Sequence(lambda n: f"plan-{n}")
    contact = factory.SubFactory(ContactFactory)
    kind = "medication"
    starts_on = date(2026, 1, 1)
    at = time(8, 0)
    time_zone = "Europe/Berlin"
    rule = "FREQ=DAILY"


class ReminderRuleFactory(DjangoModelFactory):
    """One day before, and not yet planned for what is there."""

    class Meta:
        model = ReminderRule

    class Params:
        body = "Hi {{ first_name }}, see you on {{ appointment.date }} at {{ appointment.time }}."

    name = factory.Sequence(lambda n: f"Rule {n}")
    template = factory.LazyAttribute(lambda rule: TemplateVersionFactory(body=rule.body).template)


class ReminderFactory(DjangoModelFactory):
    class Meta:
        model = Reminder

    appointment = factory.SubFactory(AppointmentFactory)
    rule = factory.SubFactory(ReminderRuleFactory)
    time_version = 1
    due_at = in_days(6)
    valid_until = in_days(6.5)
    created_at = factory.LazyFunction(timezone.now)


class StaffTaskFactory(DjangoModelFactory):
    class Meta:
        model = StaffTask

    appointment = factory.SubFactory(AppointmentFactory)
    rule = factory.SubFactory(ReminderRuleFactory)
    time_version = 1


class CalendarFeedFactory(DjangoModelFactory):
    """As it stands in the table, past `feeds.save`: nothing fetches it."""

    class Meta:
        model = CalendarFeed

    name = factory.Sequence(lambda n: f"Calendar {n}")
    host = "calendar.example.org"
    secrets = factory.LazyFunction(lambda: {"url": "https://calendar.example.org/secret.ics"})


class AppointmentFileFactory(DjangoModelFactory):
    """Checked, with nothing in it."""

    class Meta:
        model = AppointmentFile

    file = factory.django.FileField(filename="visits.csv", data=b"id,start,phone\n")
    original_name = "visits.csv"
    format = "csv"
    status = "checked"
