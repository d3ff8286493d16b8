"""Plans, tasks, feeds and what is about to go out, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Appointment, CalendarFeed, Plan
from tests.api.conftest import Caller, System, is_problem
from tests.factories import AllowedHoursFactory, ContactFactory, SuppressionFactory
from tests.reminder_factories import (
    AppointmentFactory,
    PlanFactory,
    ReminderFactory,
    ReminderRuleFactory,
    StaffTaskFactory,
)

pytestmark = pytest.mark.django_db


def plan(**changed: Any) -> dict[str, Any]:
    return {
        "source": "north",
        "external_id": "m1",
        "contact": ContactFactory(time_zone="Europe/Berlin").pk,
        "kind": "medication",
        "starts_on": "2026-01-01",
        "at": "08:00",
        "rule": "FREQ=DAILY;BYHOUR=8,20",
    } | changed


# --- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_is_made_shown_changed_and_ended(shop: System) -> None:
    made = shop.post("plans", plan())
    assert made.status_code == 201, made.body
    assert len(made.body["next"]) == 10
    one = made.body["id"]

    changed = shop.patch(f"plans/{one}", {"rule": "FREQ=WEEKLY;BYDAY=MO"})
    coming = Appointment.objects.filter(plan=one, status="booked", starts_at__gt=timezone.now())
    assert changed.body["next"][0] == coming.order_by("starts_at")[0].starts_at.isoformat().replace("+00:00", "Z")
    assert coming.count() in (8, 9)

    for _ in range(2):
        ended = shop.post(f"plans/{one}/end")
        assert (ended.status_code, ended.body["status"], ended.body["next"]) == (200, "ended", [])
    assert not coming.exists()
    assert shop.get(f"plans/{one}").body["status"] == "ended"


def test_what_a_source_calls_by_one_id_is_one_plan(shop: System) -> None:
    first = shop.post("plans", plan())
    again = shop.post("plans", plan())
    assert is_problem(again, 409, "already-exists")
    assert again.body["existing_id"] == first.body["id"]
    assert Plan.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"rule": "FREQ=SECONDLY"}, "rule"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"ends_on": "2025-01-01"}, "ends_on"),
        ({"exceptions": ["soon"]}, "exceptions"),
        ({"contact": 999_999}, "contact"),
        ({"status": "ended"}, "status"),
    ],
)
def test_a_plan_that_cannot_be(shop: System, wrong: dict[str, Any], field: str) -> None:
    answer = shop.post("plans", plan(**wrong))
    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(f"/{field}")
    assert not Plan.objects.exists()


def test_what_a_plan_is_known_by_stays(shop: System) -> None:
    assert is_problem(shop.patch(f"plans/{PlanFactory().pk}", {"external_id": "m2"}), 400, "validation-error")


# --- tasks --------------------------------------------------------------------------------------------------------


def test_a_task_is_done_once_by_whoever_says_so_first(shop: System) -> None:
    task = StaffTaskFactory()
    assert [one["id"] for one in shop.get("tasks?open=true").body["results"]] == [task.pk]
    first = shop.post(f"tasks/{task.pk}/done")
    assert (first.status_code, first.body["done_by"]) == (200, "API key Web shop")
    assert shop.post(f"tasks/{task.pk}/done").body == first.body
    assert shop.get("tasks?open=true").body["results"] == []


def test_tasks_and_feeds_have_rights_of_their_own(system: Caller) -> None:
    reader = system("tasks:read")
    task = StaffTaskFactory()
    assert reader.get("tasks").status_code == 200
    assert is_problem(reader.post(f"tasks/{task.pk}/done"), 403, "missing-scope")
    assert is_problem(system("appointments:*").get("calendar-feeds"), 403, "missing-scope")


# --- feeds --------------------------------------------------------------------------------------------------------


def test_a_feed_is_set_up_and_keeps_its_secrets(shop: System) -> None:
    url = "webcal://calendar.example.org/s3cret.ics"
    made = shop.post("calendar-feeds", {"name": "Eye clinic", "url": url, "authorization": "Bearer abc"})
    assert made.status_code == 201, made.body
    assert (made.body["host"], made.body["source"]) == ("calendar.example.org", f"feed-{made.body['id']}")
    assert "s3cret" not in str(made.body)
    assert "abc" not in str(shop.get(f"calendar-feeds/{made.body['id']}").body)
    one = made.body["id"]

    assert shop.post(f"calendar-feeds/{one}/fetch").status_code == 202
    assert shop.patch(f"calendar-feeds/{one}", {"enabled": False}).body["next_at"] is None
    assert is_problem(shop.post(f"calendar-feeds/{one}/fetch"), 409, "wrong-state")
    assert CalendarFeed.objects.get().secrets["url"] == url


@pytest.mark.parametrize(
    "wrong", [{"url": "https://10.0.0.1/"}, {"url": "x"}, {"every_minutes": 1}, {"time_zone": "Mars"}, {"name": ""}]
)
def test_a_feed_that_cannot_be(shop: System, wrong: dict[str, Any], settings: Any) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = False
    asked = {"name": "Eye clinic", "url": "https://calendar.example.org/a.ics"} | wrong
    assert is_problem(shop.post("calendar-feeds", asked), 400, "validation-error")
    assert not CalendarFeed.objects.exists()


# --- what is about to go out --------------------------------------------------------------------------------------


def planned(hours: float, **fields: Any) -> Any:
    due_at = timezone.now() + timedelta(hours=hours)
    return ReminderFactory(due_at=due_at, valid_until=due_at + timedelta(hours=12), **fields)


def upcoming(shop: System, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.get(f"reminders/upcoming{query}").body["results"]
    return found


def test_the_next_two_weeks_in_order_with_their_texts(shop: System) -> None:
    ada = AppointmentFactory(contact=ContactFactory(name="Ada Byron"))
    later, sooner, after_that = planned(30), planned(3, appointment=ada), planned(24 * 15)
    planned(4, state="withdrawn")
    found = upcoming(shop)
    assert [one["id"] for one in found] == [sooner.pk, later.pk]
    assert found[0]["text"].startswith("Hi Ada, see you on")
    assert [one["id"] for one in upcoming(shop, f"?rule={later.rule_id}")] == [later.pk]
    assert after_that.pk not in {one["id"] for one in found}


def test_any_number_may_be_due_at_one_moment(shop: System) -> None:
    at, rule = timezone.now() + timedelta(hours=3), ReminderRuleFactory()
    made = [ReminderFactory(due_at=at, rule=rule).pk for _ in range(7)]
    seen, url = [], "reminders/upcoming?page_size=3"
    while url:
        page = shop.get(url.partition("/api/v1/")[2] or url).body
        seen += [one["id"] for one in page["results"]]
        url = page["next"]
    assert seen == made


def test_who_will_not_get_it_and_why(shop: System) -> None:
    stopped = planned(1)
    SuppressionFactory(phone=stopped.appointment.contact.phone)
    broken = planned(2, rule=ReminderRuleFactory(body="{{ appointment.doctor }}"))
    by_id = {one["id"]: one for one in upcoming(shop)}
    assert by_id[stopped.pk]["problem"] == "The recipient may not be texted."
    assert "doctor" in by_id[broken.pk]["problem"]
    assert {one["arrives_at"] for one in by_id.values()} == {None}


def test_allowed_hours_say_when_it_leaves(shop: System, settings: Any) -> None:
    settings.TIME_RULES_LANES = ["reminder", "bulk"]
    AllowedHoursFactory(country="ZM")
    zambian = AppointmentFactory(contact=ContactFactory(phone="+260977123456", country="ZM"))
    # Two in the morning there, a day or two from now; texts may arrive from eight on.
    night = (timezone.now() + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    ReminderFactory(appointment=zambian, due_at=night, valid_until=night + timedelta(hours=12))
    ReminderFactory(appointment=zambian, due_at=night, valid_until=night + timedelta(hours=5))
    waits, never = upcoming(shop)
    assert waits["arrives_at"] == (night + timedelta(hours=6)).isoformat().replace("+00:00", "Z")
    assert (never["arrives_at"], never["problem"]) == (None, "No hour that is allowed comes before it is too late.")


def test_a_cursor_that_is_none(shop: System) -> None:
    assert is_problem(shop.get("reminders/upcoming?cursor=abc"), 400, "validation-error")
