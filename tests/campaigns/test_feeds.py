"""Calendars that the hub fetches by itself: when, from where, and what becomes of what is in them or no longer is."""

import gzip
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from campaigns.appointments import feeds, fetching
from campaigns.models import Appointment, CalendarFeed
from campaigns.models.feeds import MAX_MINUTES
from tests.campaigns.calendar import VirtualClock, reminders, utc, virtual_clock
from tests.campaigns.calendar_server import EMPTY, CalendarServer, calendar_server
from tests.reminder_factories import ReminderRuleFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(db: None) -> Iterator[VirtualClock]:
    with virtual_clock(utc("2026-03-20T00:00")) as mine:
        yield mine


@pytest.fixture
def server(settings: Settings) -> Iterator[CalendarServer]:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = True
    with calendar_server() as running:
        yield running


def feed(server: CalendarServer, **fields: object) -> CalendarFeed:
    path, authorization = str(fields.pop("path", "/clinic.ics")), fields.pop("authorization", None)
    made = CalendarFeed(**{"name": "Eye clinic", "every_minutes": 60, **fields})
    return feeds.save(made, url=server.url(path), authorization=authorization and str(authorization))


def event(uid: str = "e1", at: str = "20260330T100000", **lines: str) -> str:
    said = {"UID": uid, "DTSTAMP": "20260101T000000Z", "DTSTART;TZID=Europe/Berlin": at, "X-PHONE": "+14155550123"}
    return "\r\n".join(["BEGIN:VEVENT", *(f"{name}:{value}" for name, value in (said | lines).items()), "END:VEVENT"])


def fetch(now: VirtualClock, one: CalendarFeed, **later: float) -> CalendarFeed:
    now.forward(**later or {"hours": 3})
    feeds.fetch_due()
    one.refresh_from_db()
    return one


def statuses() -> dict[str, str]:
    return dict(Appointment.objects.values_list("external_id", "status"))


# --- when and how it is asked -------------------------------------------------------------------------------------


def test_a_feed_is_fetched_when_it_is_made_and_again_when_its_turn_comes(
    now: VirtualClock, server: CalendarServer
) -> None:
    server.has(event())
    one = feed(server)

    assert feeds.is_any_due()
    assert fetch(now, one, seconds=0).counts["created"] == 1
    assert not feeds.is_any_due()
    assert timedelta(minutes=54) <= one.next_at - now() <= timedelta(minutes=66)
    assert fetch(now, one, minutes=67).counts["unchanged"] == 1
    assert Appointment.objects.get().source == one.source


def test_what_is_known_is_not_sent_again_and_is_read_anew_after_a_week(
    now: VirtualClock, server: CalendarServer
) -> None:
    server.etag = '"v1"'
    server.has(event(RRULE="FREQ=DAILY"))
    one = fetch(now, feed(server))
    appointments = Appointment.objects.count()

    fetch(now, one)
    assert (server.asked[-1].headers["If-None-Match"], one.read_at) == ('"v1"', now() - timedelta(hours=3))
    assert (Appointment.objects.count(), one.fetched_at) == (appointments, now())
    fetch(now, one, days=8)
    assert "If-None-Match" not in server.asked[-1].headers
    assert Appointment.objects.count() > appointments


def test_one_that_fails_is_asked_ever_less_often_and_says_why(now: VirtualClock, server: CalendarServer) -> None:
    server.status = 404
    one = fetch(now, feed(server))
    assert one.error == "It answered 404: there is no such calendar."
    waits = []
    for _ in range(8):
        waits.append(one.next_at - now())
        fetch(now, one, minutes=MAX_MINUTES * 1.2)
    assert waits[0] < timedelta(hours=1.2) < waits[1] < timedelta(hours=2.3) < waits[2] < waits[3]
    assert waits[-1] <= timedelta(hours=24 * 1.1)
    assert one.failures == 9

    server.status = 200
    assert (fetch(now, one, days=2).error, one.failures) == ("", 0)


def test_it_waits_as_long_as_it_is_asked_to(now: VirtualClock, server: CalendarServer) -> None:
    server.status, server.headers = 429, {"Retry-After": "3600"}
    assert fetch(now, feed(server, every_minutes=5)).next_at == now() + timedelta(hours=1)


def test_one_round_at_a_time_and_a_killed_one_is_over_in_a_while(now: VirtualClock, server: CalendarServer) -> None:
    one = feed(server)
    CalendarFeed.objects.update(claimed_until=now() + feeds.LEASE)
    assert not feeds.is_any_due()
    assert fetch(now, one, seconds=1).fetched_at is None
    now.forward(minutes=4)
    assert feeds.is_any_due()
    assert fetch(now, one, seconds=1).fetched_at == now()


def test_a_feed_that_is_changed_while_it_is_fetched_is_fetched_anew(now: VirtualClock, server: CalendarServer) -> None:
    one = feed(server)
    (claimed,) = feeds._claim()
    feeds.save(one, url=server.url("/another.ics"))
    feeds._conclude(claimed, fetching.CannotFetch("It answered 500."))
    one.refresh_from_db()
    assert (one.error, one.next_at, one.claimed_until) == ("", now(), None)


def test_one_that_is_switched_off_is_left_alone(now: VirtualClock, server: CalendarServer) -> None:
    one = feed(server, enabled=False)
    fetch(now, one)
    assert (server.asked, feeds.fetch_soon(one)) == ([], False)


# --- where it may go ----------------------------------------------------------------------------------------------


def test_credentials_are_sealed_and_go_to_their_own_host_alone(now: VirtualClock, server: CalendarServer) -> None:
    with calendar_server() as other:
        server.status, server.headers = 302, {"Location": other.url("/moved.ics")}
        one = fetch(now, feed(server, authorization="Bearer of-the-clinic", path="/secret-path.ics?token=abc"))
    assert server.asked[0].headers["Authorization"] == "Bearer of-the-clinic"
    assert server.asked[0].path == "/secret-path.ics?token=abc"
    assert (other.asked[0].path, other.asked[0].headers.get("Authorization")) == ("/moved.ics", None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(f)::text || encode(secrets, 'escape') FROM campaigns_calendarfeed AS f")
        (stored,) = cursor.fetchone()
    assert "of-the-clinic" not in stored
    assert "secret-path" not in stored
    assert one.host == "127.0.0.1"


def test_a_user_in_the_address_becomes_a_header(now: VirtualClock, server: CalendarServer) -> None:
    made = CalendarFeed(name="Eye clinic")
    fetch(now, feeds.save(made, url=f"http://ada:s3cret@127.0.0.1:{server.port}/"))
    assert server.asked[0].headers["Authorization"] == "Basic YWRhOnMzY3JldA=="


def test_another_host_does_not_get_the_header_of_the_one_before(now: VirtualClock, server: CalendarServer) -> None:
    one = feed(server, authorization="Bearer of-the-clinic")
    feeds.save(one, url=f"http://localhost:{server.port}/clinic.ics")
    assert one.secrets["authorization"] == ""


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/a.ics", "https://10.0.0.1/a.ics", "https://localhost/a.ics", "file:///etc/passwd", "nonsense"],
)
def test_an_address_that_may_not_be_asked_is_refused_at_once(url: str, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = False
    with pytest.raises(feeds.UnusableFeed) as refused:
        feeds.save(CalendarFeed(name="Eye clinic"), url=url)
    assert refused.value.field == "url"


def test_a_name_that_leads_into_the_own_network_is_not_connected_to(
    now: VirtualClock, server: CalendarServer, settings: Settings
) -> None:
    one = feed(server)
    settings.ALLOW_PRIVATE_PROVIDER_URLS = False
    # As a name would that is public when it is looked at, and leads elsewhere when it is connected to.
    one.secrets = {"url": f"https://127.0.0.1.nip.example:{server.port}/"}
    one.save()
    assert "No connection" in fetch(now, one).error
    assert server.asked == []


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://["])
def test_a_redirect_leads_only_where_an_address_may_lead(place: str, now: VirtualClock, server: CalendarServer) -> None:
    server.status, server.headers = 302, {"Location": place.format(port=server.port)}
    one = feed(server)
    if "port" in place:
        assert fetch(now, one).error == "It led to another address more than 3 times."
        assert len(server.asked) == 4
    else:
        assert fetch(now, one).error
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"body": b"<html>Log in</html>"}, "This is not a calendar: it does not begin with BEGIN:VCALENDAR."),
        ({"status": 500}, "It answered 500."),
        ({"cut_off": True}, "The connection broke off."),
        (
            {"headers": {"Content-Encoding": "gzip"}, "body": gzip.compress(EMPTY.encode())},
            "It answered in a packed form, which was not asked for.",
        ),
    ],
)
def test_what_is_no_calendar_changes_nothing(
    changed: dict[str, object], why: str, now: VirtualClock, server: CalendarServer
) -> None:
    server.has(event())
    one = fetch(now, feed(server))
    for name, value in changed.items():
        setattr(server, name, value)
    assert fetch(now, one).error == why
    assert statuses() == {"e1": "booked"}


def test_one_that_is_too_large_or_too_slow_is_given_up(
    now: VirtualClock, server: CalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = feed(server)
    monkeypatch.setattr(fetching, "MAX_BYTES", 10)
    assert "has more than" in fetch(now, one).error
    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    server.trickles = threading.Event()
    assert fetch(now, one).error == "It did not answer within 0.2 seconds."


# --- what is gone -------------------------------------------------------------------------------------------------


def test_what_says_that_it_is_off_and_what_has_vanished_is_cancelled_with_its_reminders(
    now: VirtualClock, server: CalendarServer
) -> None:
    ReminderRuleFactory()
    server.has(event("stays"), event("called-off"), event("vanishes"))
    one = fetch(now, feed(server))
    server.has(event("stays"), event("called-off", STATUS="CANCELLED", SEQUENCE="1"))
    fetch(now, one)
    assert statuses() == {"stays": "booked", "called-off": "cancelled", "vanishes": "cancelled"}
    assert sorted(reminders()) == [
        ("planned", "", 1),
        ("withdrawn", "cancelled", 1),
        ("withdrawn", "cancelled", 1),
    ]
    server.has(event("stays"), event("vanishes"))
    fetch(now, one)
    assert statuses()["vanishes"] == "booked"


def test_what_is_past_is_left_as_it_was(now: VirtualClock, server: CalendarServer) -> None:
    server.has(event("over", "20260320T030000"), event("to come"))
    one = fetch(now, feed(server), minutes=1)
    now.set(utc("2026-03-21T00:00"))
    server.has(event("to come"))
    fetch(now, one)
    assert statuses() == {"over": "booked", "to come": "booked"}


@pytest.mark.parametrize(
    "incomplete",
    [
        lambda: "\r\n".join(["BEGIN:VCALENDAR", event("stays"), ""]),
        lambda: "\r\n".join(["BEGIN:VCALENDAR", event("stays"), event("", UID=""), "END:VCALENDAR"]),
        lambda: "\r\n".join(["BEGIN:VCALENDAR", event("stays"), event("e1", RRULE="FREQ=SECONDLY"), "END:VCALENDAR"]),
    ],
    ids=["cut off", "an event without an id", "it is there and cannot be read"],
)
def test_what_a_calendar_says_nothing_of_for_sure_is_not_gone(
    incomplete: object, now: VirtualClock, server: CalendarServer
) -> None:
    server.has(event("stays"), event("e1"))
    one = fetch(now, feed(server))
    assert callable(incomplete)
    server.body = incomplete().encode()
    fetch(now, one)
    assert statuses() == {"stays": "booked", "e1": "booked"}


def test_who_wants_it_has_nothing_cancelled_that_is_merely_gone(now: VirtualClock, server: CalendarServer) -> None:
    server.has(event("e1"))
    one = fetch(now, feed(server, cancel_vanished=False))
    server.has()
    fetch(now, one)
    assert statuses() == {"e1": "booked"}


def test_an_empty_calendar_is_believed_the_second_time(now: VirtualClock, server: CalendarServer) -> None:
    server.etag = '"full"'
    server.has(*(event(f"e{n}") for n in range(10)))
    one = fetch(now, feed(server))
    server.etag = '"empty"'
    server.has()
    assert fetch(now, one).error.startswith("Most of what was to come is gone")
    assert set(statuses().values()) == {"booked"}
    assert fetch(now, one).error == ""
    assert set(statuses().values()) == {"cancelled"}
    assert one.counts["vanished"] == 10


def test_a_repeating_event_that_ends_sooner_loses_what_comes_after(now: VirtualClock, server: CalendarServer) -> None:
    server.has(event(RRULE="FREQ=WEEKLY;COUNT=4"))
    one = fetch(now, feed(server))
    server.has(event(RRULE="FREQ=WEEKLY;COUNT=2", SEQUENCE="1"))
    fetch(now, one)
    assert sorted(statuses().values()) == ["booked", "booked", "cancelled", "cancelled"]
