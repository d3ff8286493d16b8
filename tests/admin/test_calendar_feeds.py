"""Calendar feeds as operators set them up."""

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import CalendarFeed
from tests.reminder_factories import CalendarFeedFactory

pytestmark = pytest.mark.django_db

FORM = {"name": "Eye clinic", "enabled": "on", "url": "https://calendar.example.org/s3cret.ics", "every_minutes": 30}


def test_an_address_goes_in_and_is_never_shown(operator: Client) -> None:
    operator.post("/admin/campaigns/calendarfeed/add/", FORM | {"authorization": "Bearer abc"})
    one = CalendarFeed.objects.get()
    assert one.secrets == {"url": FORM["url"], "authorization": "Bearer abc"}
    assert one.next_at is not None
    shown = operator.get(f"/admin/campaigns/calendarfeed/{one.pk}/change/").content.decode()
    assert "Set, at calendar.example.org; leave empty to keep it." in shown
    assert "s3cret" not in shown
    assert "Bearer abc" not in shown

    operator.post(f"/admin/campaigns/calendarfeed/{one.pk}/change/", FORM | {"url": "", "every_minutes": 60})
    one.refresh_from_db()
    assert (one.every_minutes, one.secrets["url"]) == (60, FORM["url"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": ""}, "Give the address of the calendar."),
        ({"url": "ftp://calendar.example.org/"}, "it must be a full https:// URL"),
        ({"every_minutes": 1}, "Give 5 to 1,440 minutes."),
        ({"time_zone": "Mars"}, "This zone is not known"),
        ({"authorization": "Bearer\x01"}, "printable ASCII"),
    ],
)
def test_what_cannot_be_is_said(operator: Client, wrong: dict[str, object], said: str) -> None:
    page = operator.post("/admin/campaigns/calendarfeed/add/", FORM | wrong).content.decode()
    assert said in page
    assert not CalendarFeed.objects.exists()


def test_what_went_wrong_is_shown_and_it_can_be_fetched_at_once(operator: Client) -> None:
    one = CalendarFeedFactory(error="It answered 500.", failures=3, problems=[["e1", "It has no id of its own."]])
    page = operator.get(f"/admin/campaigns/calendarfeed/{one.pk}/change/").content.decode()
    assert "It answered 500. Failed 3 times in a row." in page
    assert "e1: It has no id of its own." in page
    operator.post(f"/admin/campaigns/calendarfeed/{one.pk}/fetch/")
    one.refresh_from_db()
    assert one.next_at <= timezone.now()
