"""Appointments and rules over HTTP."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.models import Appointment, Reminder, ReminderRule
from tests.api.conftest import System, is_problem
from tests.factories import TemplateVersionFactory
from tests.reminder_factories import AppointmentFactory, ReminderRuleFactory

pytestmark = pytest.mark.django_db

VISIT: dict[str, Any] = {
    "source": "north",
    "external_id": "v1",
    "phone": "+14155550123",
    "starts_at": "2031-05-04T14:30",
    "time_zone": "America/New_York",
}


def test_one_is_written_once_and_moved_by_writing_it_again(shop: System) -> None:
    ReminderRuleFactory()
    made = shop.post("appointments", VISIT)
    moved = shop.post("appointments", VISIT | {"starts_at": "2031-05-05T14:30:00-04:00"})

    assert (made.status_code, moved.status_code) == (201, 200)
    assert moved.body["starts_at"] == "2031-05-05T18:30:00Z"
    assert moved.body["time_version"] == 2
    found = shop.get(f"appointments/{made.body['id']}/reminders").body["results"]
    assert [one["why"] for one in found] == ["", "The appointment was moved"]


def test_a_change_of_what_is_given(shop: System) -> None:
    one = AppointmentFactory(attributes={"doctor": "Dr Okafor"})
    answer = shop.patch(f"appointments/{one.pk}", {"status": "cancelled"})
    assert (answer.status_code, answer.body["status"]) == (200, "cancelled")
    assert answer.body["attributes"] == {"doctor": "Dr Okafor"}


def test_what_cannot_be(shop: System) -> None:
    assert is_problem(shop.post("appointments", VISIT | {"starts_at": "soon"}), 400, "validation-error")
    assert is_problem(shop.post("appointments", VISIT | {"time_zone": "Mars"}), 400, "validation-error")
    assert is_problem(shop.post("appointments", VISIT | {"colour": "red"}), 400, "validation-error")
    assert not Appointment.objects.exists()


def test_many_have_an_answer_each(shop: System) -> None:
    good = {name: value for name, value in VISIT.items() if name != "source"}
    items = [good, good | {"external_id": "v2", "time_zone": "Mars"}, {"external_id": "v3"}, {"external_id": 3}]
    body = shop.post("appointments/bulk", {"source": "north", "appointments": items}).body
    assert (body["created"], body["rejected"]) == (1, 3)
    assert [(one["external_id"], one["detail"]) for one in body["results"]][1:3] == [
        ("v2", "Its time zone is not known; write it as in Europe/Berlin."),
        ("v3", "starts_at: This field is required."),
    ]


def test_a_file(shop: System) -> None:
    data = b"id,start,phone\nv1,2031-05-04T14:30,+14155550123\nv2,,+14155550124\n"
    upload = SimpleUploadedFile("visits.csv", data)
    answer: Any = Client().post(
        "/api/v1/appointments/files",
        {"file": upload, "format": "csv", "time_zone": "Europe/Berlin"},
        headers={"Authorization": f"Bearer {shop.text}"},
    )
    assert answer.status_code == 200, answer.content
    assert (answer.json()["created"], answer.json()["rejected"]) == (1, 1)


def test_a_rule_is_made_changed_and_shown(shop: System) -> None:
    template = TemplateVersionFactory(body="See you.").template
    made = shop.post("reminder-rules", {"name": "Day before", "template": template.pk, "at_time": "09:00"})
    assert made.status_code == 201, made.body
    rule = ReminderRule.objects.get()
    assert (rule.replan, rule.unit, rule.direction) == (True, "days", -1)
    ReminderRule.objects.update(replan=False)

    assert shop.patch(f"reminder-rules/{rule.pk}", {"amount": 2}).body["amount"] == 2
    assert ReminderRule.objects.get().replan
    assert shop.get(f"reminder-rules/{rule.pk}/preview").body == {"upcoming": [], "text": "See you.", "problem": ""}


@pytest.mark.parametrize(
    "wrong",
    [{"unit": "hours"}, {"statuses": ["cancelled"]}, {"statuses": []}, {"unanswered_minutes": 5}, {"template": 999}],
)
def test_a_rule_that_makes_no_sense(shop: System, wrong: dict[str, Any]) -> None:
    template = TemplateVersionFactory().template
    asked = {"name": "Day before", "template": template.pk, "at_time": "09:00"} | wrong
    assert is_problem(shop.post("reminder-rules", asked), 400, "validation-error")
    assert not Reminder.objects.exists()
