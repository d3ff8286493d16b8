"""Several planners at once, beside those who move appointments, and one that is killed in the middle."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from campaigns.appointments.items import Item
from campaigns.models import Appointment, Reminder, ReminderRule
from campaigns.reminders import due, planning, work
from delivery.models import Message
from tests.campaigns.calendar import planner, put, visit
from tests.campaigns.scenes import at_once, eventually, in_child
from tests.factories import ContactFactory, DefaultSenderFactory
from tests.reminder_factories import ReminderRuleFactory

pytestmark = pytest.mark.django_db(transaction=True)


def due_now(number: int) -> list[Item]:
    DefaultSenderFactory()
    ReminderRuleFactory(amount=24, unit="hours")
    starts = timezone.now() + timedelta(hours=23)
    items = [visit(f"v{n}", contact=ContactFactory(), starts=starts) for n in range(number)]
    put(*items)
    return items


def test_twins_movers_and_a_changed_rule_at_once() -> None:
    items = due_now(60)
    later = timezone.now() + timedelta(days=9)
    people = dict(Appointment.objects.values_list("external_id", "contact_id"))
    moved = [replace(item, starts_at=later) for item in items[:20]]

    def hand_over() -> None:
        while due.hand_over_batch(limit=7):
            pass

    def change() -> None:
        ReminderRule.objects.update(amount=25, replan=True)
        planning.replan_rules()

    found = at_once(hand_over, hand_over, lambda: put(*moved), lambda: put(*reversed(moved)), change)
    assert not [one for one in found if isinstance(one, Exception)]
    planner()

    assert not work.is_there_any()
    on_the_way = Message.objects.filter(status="queued")
    assert sorted(on_the_way.values_list("contact_id", flat=True)) == sorted(people[i.external_id] for i in items[20:])
    states = Reminder.objects.filter(appointment__external_id__in=[item.external_id for item in moved])
    assert set(states.values_list("state", "time_version")) == {("withdrawn", 1), ("planned", 2)}


def test_a_planner_killed_in_the_middle_of_a_batch_has_done_nothing(tmp_path: Path) -> None:
    due_now(5)
    mark = tmp_path / "in the middle"
    child = in_child(
        "import pathlib, time\n"
        "from campaigns.reminders import due\n"
        f"due._write = lambda settled: (pathlib.Path({str(mark)!r}).touch(), time.sleep(60))\n"
        "due.hand_over_batch()\n"
    )
    try:
        eventually(mark.exists)
        assert due.hand_over_batch() == 0
    finally:
        child.kill()
        child.wait()
    eventually(lambda: due.hand_over_batch() == 5)
    assert Message.objects.count() == 5
    assert set(Reminder.objects.values_list("state", flat=True)) == {"submitted"}
