"""Plans that repeat: which local times, across changes of clocks, and what becomes of them when a plan is changed."""

from collections.abc import Iterator
from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.appointments import plans, recurrence
from campaigns.models import Appointment, Plan, Reminder
from tests.campaigns.calendar import VirtualClock, planner, put, texts, utc, virtual_clock, visit
from tests.factories import ContactFactory, DefaultSenderFactory
from tests.reminder_factories import PlanFactory, ReminderRuleFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(db: None) -> Iterator[VirtualClock]:
    DefaultSenderFactory()
    with virtual_clock(utc("2026-03-27T12:00")) as mine:
        yield mine


def times(**filters: object) -> list[datetime]:
    found = Appointment.objects.filter(status="booked", **filters).order_by("starts_at")
    return list(found.values_list("starts_at", flat=True))


def test_eight_oclock_stays_eight_oclock(now: VirtualClock) -> None:
    plans.save(PlanFactory.build(contact=ContactFactory(), ends_on=date(2026, 3, 30)))
    assert times() == [utc("2026-03-28T07:00"), utc("2026-03-29T06:00"), utc("2026-03-30T06:00")]


def test_a_time_that_is_no_time_and_one_that_is_there_twice(now: VirtualClock) -> None:
    ada = ContactFactory(time_zone="America/New_York")
    now.set(utc("2026-03-07T12:00"))
    plans.save(PlanFactory.build(contact=ada, time_zone="", at=time(2, 30), ends_on=date(2026, 3, 9)))
    assert times() == [utc("2026-03-08T07:30"), utc("2026-03-09T06:30")]
    now.set(utc("2026-10-31T12:00"))
    plans.save(PlanFactory.build(contact=ada, time_zone="", at=time(1, 30), ends_on=date(2026, 11, 2)))
    assert times(starts_at__gt=now()) == [utc("2026-11-01T05:30"), utc("2026-11-02T06:30")]


def test_exceptions_hours_and_an_end(now: VirtualClock) -> None:
    plans.save(
        PlanFactory.build(
            contact=ContactFactory(),
            rule="rrule:freq=daily;byhour=8,20;count=100",
            starts_on=date(2026, 4, 1),
            ends_on=date(2026, 4, 3),
            exceptions=["2026-04-02"],
        )
    )
    days = ["2026-04-01T06:00", "2026-04-01T18:00", "2026-04-03T06:00", "2026-04-03T18:00"]
    assert times() == [utc(day) for day in days]


def test_the_horizon_moves_on_and_nothing_is_written_twice(now: VirtualClock) -> None:
    ReminderRuleFactory(kind="medication", amount=0, unit="minutes", body="Time for it.")
    plans.save(PlanFactory.build(contact=ContactFactory(), rule="FREQ=WEEKLY"))
    for _ in range(20):
        now.forward(days=7)
        planner()
    everyone = Appointment.objects.order_by("starts_at").values_list("external_id", flat=True)
    assert len(set(everyone)) == len(everyone) == 20 + 8
    assert len(texts()) + Reminder.objects.filter(state="expired").count() == 20


def test_a_plan_that_is_changed_moves_cancels_and_leaves_what_is_done(now: VirtualClock) -> None:
    ReminderRuleFactory(kind="medication", amount=0, unit="minutes", body="Time for it.")
    ada = ContactFactory()
    plan = plans.save(PlanFactory.build(contact=ada, ends_on=date(2026, 3, 30)))
    done = Appointment.objects.order_by("starts_at").first()
    put(visit(done.external_id, contact=ada, starts=done.starts_at, kind="medication", status="done"), source="plan")

    plan.exceptions = ["2026-03-29"]
    plan.time_zone = "Europe/Lisbon"
    plans.save(plan)
    assert list(Appointment.objects.order_by("starts_at").values_list("status", "time_version")) == [
        ("done", 1),
        ("cancelled", 1),
        ("booked", 2),
    ]
    assert times() == [utc("2026-03-30T07:00")]

    plan.status = Plan.Status.ENDED
    plans.save(plan)
    assert times() == []
    assert Plan.objects.get().expand_at is None
    now.set(utc("2026-04-01T00:00"))
    planner()
    assert texts() == []


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=28",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5",
        "FREQ=DAILY;COUNT=3;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=never",
        "FREQ=DAILY;FREQ=WEEKLY",
        "EVERY DAY",
        "",
        "FREQ=DAILY" + ";WKST=MO" * 100,
        "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=1",
    ],
)
def test_rules_that_could_run_for_ever_are_refused(rule: str) -> None:
    with pytest.raises(recurrence.UnusableRule):
        recurrence.check(rule)


@settings(max_examples=50)
@given(st.text(max_size=60) | st.from_regex(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]{2,10}=[0-9A-Z,-]{1,8}){0,3}"))
def test_any_text_is_refused_or_comes_true_within_eight_years(text: str) -> None:
    try:
        rule = recurrence.check(text)
    except recurrence.UnusableRule:
        return
    start, last = datetime.fromisoformat("2026-01-31T08:00"), datetime.fromisoformat("2040-01-01")
    found = recurrence.between(rule, start=start, first=start, last=last, most=2)
    assert len(found) < 2 or "INTERVAL" in rule or (found[1] - found[0]).days <= 8 * 366
