"""Reminders from the appointment to the handset: written over HTTP, planned by the clock, texted by the carrier."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Appointment, Reminder
from delivery.models import Message
from smshub.api import keys
from tests.factories import TemplateVersionFactory
from tests.hub import Hub, wait_for
from tests.pipeline.test_api import call as ask

pytestmark = pytest.mark.pipeline

Call = Callable[..., dict[str, Any]]


def system(hub: Hub) -> Call:
    _, key = keys.issue(name="Clinic", scopes=["*"], actor=None)

    def call(method: str, path: str, body: Any = None) -> dict[str, Any]:
        _, found = ask(hub, key, method, path, body)
        return dict(found)

    return call


def visit(number: int, starts_in: timedelta, **changed: Any) -> dict[str, Any]:
    return {
        "external_id": f"v{number}",
        "phone": f"+1415555{number:04d}",
        "starts_at": (timezone.now() + starts_in).isoformat(),
        "time_zone": "America/Los_Angeles",
        **changed,
    }


def day_before(call: Call) -> int:
    template = TemplateVersionFactory(body="See you at {{ appointment.time }}.").template_id
    made = call("POST", "reminder-rules", {"name": "Day before", "template": template, "unit": "hours", "amount": 24})
    return int(made["id"])


def texts(hub: Hub) -> Counter[str]:
    return Counter(str(entry["to"]) for entry in hub.carrier.entries())


def states(external_id: str) -> list[str]:
    rows = Reminder.objects.filter(appointment__external_id=external_id).order_by("time_version")
    return list(rows.values_list("state", flat=True))


def test_moved_and_cancelled_on_the_way_each_is_texted_once_or_not_at_all(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    hub.provider()
    call = system(hub)
    # It exists before any rule, and is planned by the clock when there is one.
    soon = timedelta(hours=24, seconds=8)
    written = call(
        "POST",
        "appointments/bulk",
        {"source": "north", "appointments": [visit(1, soon), visit(2, soon), visit(3, soon)]},
    )
    assert written["created"] == 3
    rule = day_before(call)
    wait_for(lambda: Reminder.objects.filter(rule=rule).count() == 3, seconds=30, what="the rule to be planned")

    moved = Appointment.objects.get(external_id="v2")
    call("PATCH", f"appointments/{moved.pk}", {"starts_at": (timezone.now() + timedelta(days=9)).isoformat()})
    call("PATCH", f"appointments/{Appointment.objects.get(external_id='v3').pk}", {"status": "cancelled"})

    wait_for(lambda: states("v1") == ["submitted"], seconds=40, what="the reminder to be handed over")
    wait_for(lambda: texts(hub) == {"+14155550001": 1}, seconds=30, what="one text at the carrier")
    assert (states("v2"), states("v3")) == (["withdrawn", "planned"], ["withdrawn"])
    assert Message.objects.count() == 1


def test_planner_clock_and_senders_are_killed_on_the_way_and_each_is_texted_once(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    hub.provider(rate=60)
    call = system(hub)
    day_before(call)
    everyone = range(1, 121)
    # All of them are due at once: some while the processes that see to it are dead.
    visits = [visit(number, timedelta(hours=23, minutes=59)) for number in everyone]
    call("POST", "appointments/bulk", {"appointments": visits})

    hub.kill("loader")
    hub.kill("beat")
    wait_for(lambda: len(hub.carrier.ledger()) > 10, seconds=60, what="the first texts")
    hub.kill("dispatch")
    hub.kill("loader")

    def all_arrived() -> bool:
        return Message.objects.filter(status="delivered").count() == len(everyone)

    wait_for(all_arrived, seconds=90, what="all to arrive")
    assert texts(hub) == {f"+1415555{number:04d}": 1 for number in everyone}
    assert set(Reminder.objects.values_list("state", "reason")) == {("submitted", "")}
