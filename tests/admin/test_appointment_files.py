"""A file of appointments from the upload to the errors that staff take home."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.appointments import uploads
from campaigns.models import Appointment, AppointmentFile, Reminder
from delivery import clock
from tests.reminder_factories import ReminderRuleFactory

pytestmark = pytest.mark.django_db

CSV = b"id,start,phone\nv1,2031-05-04T14:30,+14155550123\nv2,,+14155550124\nv3,2031-05-04T14:30,nobody\n"


def uploaded(staff: Client, data: bytes = CSV, name: str = "visits.csv", **fields: Any) -> AppointmentFile:
    form = {"file": SimpleUploadedFile(name, data), "kind": "csv", "source": "north", "time_zone": "Europe/Berlin"}
    answer = staff.post("/admin/campaigns/appointmentfile/add/", form | fields)
    assert answer.status_code == 302, answer.content.decode()
    return AppointmentFile.objects.get()


def page(staff: Client, one: AppointmentFile) -> str:
    return staff.get(f"/admin/campaigns/appointmentfile/{one.pk}/change/").content.decode()


def test_first_it_says_what_would_become_of_each_then_it_does_it(staff: Client) -> None:
    ReminderRuleFactory()
    one = uploaded(staff)
    assert uploads.waiting() == [one.pk]
    assert "hx-get" in page(staff, one)

    assert uploads.proceed(one.pk)
    shown = page(staff, one)
    assert "It does not say when it begins." in shown
    assert "2031-05-04 14:30 Europe/Berlin" in shown
    assert not Appointment.objects.exists()

    staff.post(f"/admin/campaigns/appointmentfile/{one.pk}/apply/")
    assert uploads.proceed(one.pk)
    one.refresh_from_db()
    assert (one.status, one.counts) == ("done", {"created": 1, "updated": 0, "unchanged": 0, "rejected": 2})
    assert Reminder.objects.filter(state="planned").count() == 1
    assert not uploads.proceed(one.pk)


def test_what_was_rejected_is_taken_home(staff: Client) -> None:
    one = uploaded(staff)
    uploads.proceed(one.pk)
    answer: Any = staff.get(f"/admin/campaigns/appointmentfile/{one.pk}/rejected.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "id,begins,time zone,outcome,detail"
    assert [line.split(",")[0] for line in lines[1:]] == ["v2", "v3"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"time_zone": "Mars/Olympus"}, "This zone is not known"),
        ({"default_country": "XX"}, "This country is not known"),
        ({"file": SimpleUploadedFile("empty.csv", b"")}, "empty"),
        ({"phone_property": "no property"}, "Enter a valid value"),
    ],
)
def test_what_cannot_be_used_is_said_on_the_form(staff: Client, changed: dict[str, Any], said: str) -> None:
    form = {"file": SimpleUploadedFile("visits.csv", CSV), "kind": "csv"} | changed
    assert said in staff.post("/admin/campaigns/appointmentfile/add/", form).content.decode()
    assert not AppointmentFile.objects.exists()


def test_a_file_that_is_something_else_fails_with_a_sentence(staff: Client) -> None:
    one = uploaded(staff, b"GIF89a", "cat.gif", kind="fhir")
    uploads.proceed(one.pk)
    assert "This is not JSON." in page(staff, one)


def test_a_killed_worker_is_followed_by_another_when_its_lease_is_over(staff: Client) -> None:
    one = uploaded(staff)
    AppointmentFile.objects.update(claimed_until=clock.now() + uploads.LEASE)
    assert uploads.waiting() == []
    assert not uploads.proceed(one.pk)
    AppointmentFile.objects.update(claimed_until=clock.now())
    assert uploads.waiting() == [one.pk]
    assert uploads.proceed(one.pk)


def test_what_is_under_way_is_not_deleted_and_what_is_deleted_leaves_no_file(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    one = uploaded(staff)
    assert staff.post(f"/admin/campaigns/appointmentfile/{one.pk}/delete/", {"post": "yes"}).status_code == 403
    uploads.proceed(one.pk)
    one.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(f"/admin/campaigns/appointmentfile/{one.pk}/delete/", {"post": "yes"})
    assert not one.file.storage.exists(one.file.name)
    assert not one.results_file.storage.exists(one.results_file.name)


def test_more_than_a_chunk_with_what_stands_twice(staff: Client) -> None:
    rows = "".join(f"v{n % 1500},2031-05-04T14:30,+1415{5_000_000 + n % 1500}\n" for n in range(2100))
    one = uploaded(staff, f"id,start,phone\n{rows}".encode())
    uploads.proceed(one.pk)
    uploads.apply(one)
    uploads.proceed(one.pk)
    one.refresh_from_db()
    assert (one.items_done, one.counts["created"], one.counts["unchanged"]) == (2100, 1500, 600)
    assert Appointment.objects.count() == 1500


def test_a_file_without_its_columns_says_which_and_leads_to_the_next(staff: Client) -> None:
    one = uploaded(staff, b"Patient,Telefon\nAnn,+14155550123\n")
    uploads.proceed(one.pk)
    shown = page(staff, one)
    assert "The first line lacks a column: id, start." in shown
    assert "/admin/campaigns/appointmentfile/add/" in shown


def test_what_was_applied_leads_to_who_gets_what_when(staff: Client) -> None:
    one = uploaded(staff)
    uploads.proceed(one.pk)
    assert "/admin/campaigns/reminder/upcoming/" not in page(staff, one).split('data-testid="file"')[1]
    uploads.apply(one)
    uploads.proceed(one.pk)
    assert "/admin/campaigns/reminder/upcoming/" in page(staff, one).split('data-testid="file"')[1]
