"""Any order of moves, cancellations, rules, answers, stops and outages, with a twin beside: once each, or a reason."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from campaigns.models import Appointment, Reminder, ReminderRule
from campaigns.models.appointments import COMING
from campaigns.reminders import answers, due
from delivery.models import Message
from delivery.states import UNCLAIMED
from tests.campaigns.calendar import planner, put, utc, virtual_clock, visit
from tests.factories import ContactFactory, DefaultSenderFactory, SuppressionFactory
from tests.factories import TemplateVersionFactory as TextFactory
from tests.reminder_factories import ReminderRuleFactory

VISITS = st.sampled_from(["a", "b", "c"])
HOURS = st.sampled_from([1, 5, 11, 23, 24, 49, 96])


class ReminderLife(RuleBasedStateMachine):
    """One transaction that is rolled back, and a virtual clock. The carrier takes what is queued when it is asked."""

    @initialize()
    def three_visits_and_two_rules(self) -> None:
        self.rollback = transaction.atomic()
        self.rollback.__enter__()
        self.clock = virtual_clock(utc("2026-03-20T12:00"))
        self.now = self.clock.__enter__()
        DefaultSenderFactory()
        told = TextFactory(body="Off.").template
        day = ReminderRuleFactory(body="Day.", reply_expected=True, unanswered_minutes=300)
        ReminderRuleFactory(body="Three.", amount=72, unit="hours", cancel_template=told, next_rule=day)
        ReminderRule.objects.filter(amount=72).update(reply_expected=True, unanswered_minutes=600)
        self.people = {name: ContactFactory() for name in "abc"}
        self.stopped: set[str] = set()
        self.left: Counter[Any] = Counter()
        for name in self.people:
            self.move(name, 96)

    def teardown(self) -> None:
        if hasattr(self, "rollback"):
            self.clock.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.rollback.__exit__(None, None, None)

    def send(self, name: str, **fields: Any) -> None:
        known = Appointment.objects.filter(external_id=name).first()
        starts = fields.pop("starts", known.starts_at if known else None)
        put(visit(name, contact=self.people[name], starts=starts, **fields))

    @rule(name=VISITS, hours=HOURS)
    def move(self, name: str, hours: int) -> None:
        self.send(name, starts=self.now() + timedelta(hours=hours), status="rescheduled")

    @rule(name=VISITS, status=st.sampled_from(["booked", "cancelled", "missed", "done"]))
    def the_source_says(self, name: str, status: str) -> None:
        self.send(name, status=status)

    @rule(name=VISITS)
    def an_answer(self, name: str) -> None:
        appointment = Appointment.objects.get(external_id=name)
        answers.answered(appointment_id=appointment.pk, at=self.now(), status=Appointment.Status.CONFIRMED)

    @rule(name=VISITS)
    def a_stop(self, name: str) -> None:
        if name not in self.stopped:
            SuppressionFactory(phone=self.people[name].phone)
            self.stopped.add(name)

    @rule(amount=st.sampled_from([24, 30, 72]), enabled=st.booleans())
    def a_rule_is_changed(self, amount: int, enabled: bool) -> None:
        ReminderRule.objects.filter(unit="hours").update(amount=amount, enabled=enabled, replan=True)

    @rule(hours=HOURS)
    def time_passes_without_a_planner(self, hours: int) -> None:
        self.now.forward(hours=hours)

    @rule()
    def the_planner_runs(self) -> None:
        planner()

    @rule()
    def a_planner_is_killed_in_its_batch(self) -> None:
        with transaction.atomic():
            due.hand_over_batch()
            answers.escalate()
            transaction.set_rollback(True)

    @rule()
    def the_carrier_takes_what_is_queued(self) -> None:
        """As a claim does: not what is suppressed by now."""
        for message in Message.objects.filter(status__in=UNCLAIMED).select_for_update():
            reminder = Reminder.objects.get(message_id=message.pk)
            if message.valid_until <= self.now():
                message.status = "expired"
            elif any(self.people[name].phone == message.recipient for name in self.stopped):
                message.status = "suppressed"
            else:
                message.status = "delivered"
                self.left[reminder.appointment_id, reminder.rule_id, reminder.purpose, reminder.time_version] += 1
            message.save(update_fields=["status"])

    @invariant()
    def nobody_is_reminded_twice(self) -> None:
        assert set(self.left.values()) <= {1}

    @invariant()
    def what_was_handed_over_has_its_message_and_the_rest_a_reason(self) -> None:
        if not hasattr(self, "now"):
            return
        handed_over = Reminder.objects.filter(state="submitted")
        assert Message.objects.filter(pk__in=handed_over.values("message_id")).count() == handed_over.count()
        assert not Reminder.objects.filter(state__in=["withdrawn", "expired", "skipped"], reason="").exists()

    @rule(hours=HOURS)
    def time_passes_with_a_planner(self, hours: int) -> None:
        self.now.forward(hours=hours)
        planner()

    @invariant()
    def nothing_is_queued_for_another_time_or_for_what_is_off(self) -> None:
        for message in Message.objects.filter(status__in=UNCLAIMED) if hasattr(self, "now") else ():
            reminder = Reminder.objects.select_related("appointment").get(message_id=message.pk)
            assert reminder.time_version == reminder.appointment.time_version
            assert (reminder.purpose == "reminder") == (reminder.appointment.status in COMING)

    @invariant()
    def nothing_is_planned_for_what_is_off_or_for_another_time(self) -> None:
        if not hasattr(self, "now"):
            return
        planned = Reminder.objects.filter(state="planned")
        assert not planned.exclude(time_version=F("appointment__time_version")).exists()
        assert not planned.filter(purpose="reminder").exclude(appointment__status__in=COMING).exists()

    @invariant()
    def everyone_who_is_coming_has_a_reminder_by_each_rule_that_is_on(self) -> None:
        if not hasattr(self, "now") or ReminderRule.objects.filter(replan=True).exists():
            return
        for appointment in Appointment.objects.filter(status__in=COMING, starts_at__gt=self.now()):
            have = appointment.reminders.filter(time_version=appointment.time_version, purpose="reminder")
            expected = ReminderRule.objects.filter(enabled=True)
            # A rule that came on when it was too late already says nothing about what is past.
            late = expected.exclude(pk__in=have.values("rule"))
            assert all(appointment.starts_at - timedelta(hours=72) <= self.now() for _ in late)


@pytest.mark.django_db
def test_any_order_of_events_reminds_once_or_says_why() -> None:
    for at in ("2026-03-20", "2026-06-20"):
        with virtual_clock(utc(at)):
            pass  # opens the months, once for all
    run_state_machine_as_test(
        ReminderLife,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
