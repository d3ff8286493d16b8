"""Appointments as they come in: each item has its answer, and the rest proceeds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from campaigns.appointments import zones
from campaigns.appointments.items import Item
from campaigns.models import Appointment, Reminder
from campaigns.signals import appointments_changed
from contacts.models import Contact
from tests.campaigns.calendar import VirtualClock, put, utc, virtual_clock, visit
from tests.factories import ContactFactory
from tests.reminder_factories import ReminderRuleFactory

pytestmark = pytest.mark.django_db

NEXT_WEEK = "2026-06-08T10:00"
local = datetime.fromisoformat


@pytest.fixture
def now(db: None) -> Iterator[VirtualClock]:
    with virtual_clock(utc("2026-06-01T12:00")) as mine:
        yield mine


def outcomes(*items: Item, **options: Any) -> list[tuple[str, str]]:
    return [(result.outcome.value, result.detail) for result in put(*items, **options)]


def test_created_updated_unchanged(now: VirtualClock) -> None:
    ada = ContactFactory()
    assert outcomes(visit(contact=ada, starts=NEXT_WEEK)) == [("created", "")]
    now.forward(hours=1)
    assert outcomes(visit(contact=ada, starts=NEXT_WEEK)) == [("unchanged", "")]
    now.forward(hours=1)
    assert outcomes(visit(contact=ada, starts=NEXT_WEEK, kind="visit")) == [("updated", "")]
    assert Appointment.objects.get().time_version == 1
    outcomes(visit(contact=ada, starts="2026-06-09T10:00"))
    assert Appointment.objects.get().time_version == 2


def test_ids_are_the_sources_own(now: VirtualClock) -> None:
    put(visit(starts=NEXT_WEEK), source="north")
    put(visit(starts=NEXT_WEEK), source="south")
    assert Appointment.objects.count() == 2


def test_what_is_wrong_is_said_and_the_rest_proceeds(now: VirtualClock) -> None:
    found = outcomes(
        visit("past", starts="2026-05-31T10:00"),
        visit("was", starts="2026-05-31T10:00", status="done"),
        visit("zone", starts=NEXT_WEEK, time_zone="Europe/Atlantis"),
        visit("", starts=NEXT_WEEK),
        visit("status", starts=NEXT_WEEK, status="maybe"),
        visit("number", starts=NEXT_WEEK, phone="123"),
        Item("whose", local(NEXT_WEEK), "Europe/Berlin"),
        Item("who", local(NEXT_WEEK), "Europe/Berlin", contact_id=2**62),
        Item("when", None, "Europe/Berlin", contact_id=1),
        visit("nul\x00", starts=NEXT_WEEK),
        visit("list", starts=NEXT_WEEK, attributes={"a": [1]}),
        Item("broken", None, problem="Line 7 is not a line of a calendar."),
        visit("good", starts=NEXT_WEEK),
    )
    assert [outcome for outcome, _ in found] == ["rejected", "created", *["rejected"] * 10, "created"]
    assert [detail for _, detail in found if detail] == [
        "It begins in the past: a new one may only if it is done, missed or cancelled.",
        "Its time zone is not known; write it as in Europe/Berlin.",
        "It has no id of its own.",
        "There is no such status; it is one of booked, confirmed, rescheduled, cancelled, missed, done.",
        found[5][1],
        "It does not say whose it is: give a contact, an identifier or a number.",
        "There is no such contact, and no number to make one of.",
        "It does not say when it begins.",
        "Its id has a character that cannot be stored.",
        "The value of an attribute must be a text, a number, true, false or null.",
        "Line 7 is not a line of a calendar.",
    ]
    assert "123" not in found[5][1]


def test_an_older_update_that_comes_later_is_left(now: VirtualClock) -> None:
    ada = ContactFactory()
    put(visit(contact=ada, starts=NEXT_WEEK, source_version=1))
    put(visit(contact=ada, starts="2026-06-10T10:00", source_version=3, source_at=utc("2026-05-03T00:00")))
    for older in (
        {"source_version": 2},
        {"source_version": 3, "source_at": utc("2026-05-02T00:00")},
        {"source_at": utc("2026-05-02T00:00")},
    ):
        late = visit(contact=ada, starts="2026-06-09T10:00", **older)
        assert outcomes(late) == [("unchanged", "It is older than what is known of it already.")]
    assert Appointment.objects.get().starts_at == utc("2026-06-10T08:00")
    now.forward(hours=1)
    assert outcomes(visit(contact=ada, starts="2026-06-11T10:00")) == [("updated", "")]


def test_a_newer_version_of_the_same_is_remembered(now: VirtualClock) -> None:
    ada = ContactFactory()
    put(visit(contact=ada, starts=NEXT_WEEK, source_version=1))
    now.forward(hours=1)
    assert outcomes(visit(contact=ada, starts=NEXT_WEEK, source_version=5)) == [("unchanged", "")]
    late = visit(contact=ada, starts="2026-06-09T10:00", source_version=4)
    assert outcomes(late)[0][0] == "unchanged"


def test_of_the_same_id_twice_the_newest_counts_else_the_last(now: VirtualClock) -> None:
    ada = ContactFactory()
    found = outcomes(
        visit("a", contact=ada, starts=NEXT_WEEK, source_version=2),
        visit("a", contact=ada, starts="2026-06-09T10:00", source_version=1),
        visit("b", contact=ada, starts="2026-06-09T10:00"),
        visit("b", contact=ada, starts=NEXT_WEEK),
    )
    assert found == [
        ("created", ""),
        ("rejected", "The same id stands again as item 1 of these; that one counts."),
        ("rejected", "The same id stands again as item 4 of these; that one counts."),
        ("created", ""),
    ]
    assert set(Appointment.objects.values_list("starts_at", flat=True)) == {utc("2026-06-08T08:00")}


def test_whose_it_is(now: VirtualClock) -> None:
    known = ContactFactory(phone="+4915112345678", attributes={"identifier": "P-7"})
    put(
        visit("number", starts=NEXT_WEEK, phone="01511 2345678", name="Somebody Else"),
        visit("identifier", starts=NEXT_WEEK, phone="", identifier="P-7"),
        visit("new", starts=NEXT_WEEK, phone="0151 12345679", identifier="P-8", name="Grace Hopper"),
        visit("again", starts=NEXT_WEEK, phone="+4915112345679"),
        default_country="DE",
    )
    grace = Contact.objects.get(phone="+4915112345679")
    assert (grace.name, grace.country, grace.attributes) == ("Grace Hopper", "DE", {"identifier": "P-8"})
    assert list(Appointment.objects.order_by("id").values_list("external_id", "contact")) == [
        ("again", grace.pk),
        ("identifier", known.pk),
        ("new", grace.pk),
        ("number", known.pk),
    ]


def test_another_persons_appointment_is_reminded_of_anew(now: VirtualClock) -> None:
    ReminderRuleFactory()
    put(visit(starts=NEXT_WEEK))
    put(visit(starts=NEXT_WEEK))
    assert Appointment.objects.get().time_version == 2
    assert Reminder.objects.filter(state="planned").count() == 1


def test_a_chunk_takes_as_many_queries_for_many_as_for_few(now: VirtualClock) -> None:
    ReminderRuleFactory()

    def queries(number: int) -> int:
        people = [ContactFactory() for _ in range(number)]
        with CaptureQueriesContext(connection) as asked:
            put(*(visit(f"{number}/{n}", contact=person, starts=NEXT_WEEK) for n, person in enumerate(people)))
        return len(asked)

    assert queries(2) == queries(200)


@given(
    at=st.datetimes(local("2024-01-01"), local("2036-01-01")),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC"]
    ),
)
def test_python_and_postgres_agree_on_local_times(at: datetime, zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {zones.sql_utc('%(at)s::timestamp', '%(zone)s')}", {"at": at, "zone": zone})
        assert cursor.fetchone() == (zones.to_utc(at, zone),)


@pytest.mark.parametrize(
    ("zone", "local", "at"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"),
    ],
)
def test_the_first_of_two_and_later_by_the_gap(zone: str, local: str, at: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {zones.sql_utc('%(at)s::timestamp', '%(zone)s')}", {"at": local, "zone": zone})
        assert cursor.fetchone() == (utc(at),)
    assert zones.to_utc(datetime.fromisoformat(local), zone) == utc(at)
    assert timedelta(0) <= zones.to_local(utc(at), zone) - datetime.fromisoformat(local) <= timedelta(hours=1)


def test_what_changed_is_announced_in_batches_and_what_did_not_is_not(now: VirtualClock) -> None:
    heard: list[tuple[str, int]] = []

    def hear(appointments: list[int], change: str, **_: object) -> None:
        heard.append((change, len(appointments)))

    ada = ContactFactory()
    three = [visit(f"v{n}", contact=ada, starts=NEXT_WEEK) for n in range(3)]
    appointments_changed.connect(hear)
    try:
        put(*three)
        put(*three)
        put(replace(three[0], status="cancelled"), replace(three[1], kind="eye test"), three[2])
    finally:
        appointments_changed.disconnect(hear)
    assert heard == [("saved", 3), ("saved", 1), ("cancelled", 1)]
