"""Calendars, FHIR and CSV: what they say becomes items, and what is broken costs nobody else."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.appointments import csv_files, fhir, files, ical
from campaigns.appointments.csv_columns import begins
from campaigns.appointments.files import UnreadableFile
from campaigns.appointments.items import Item
from tests.campaigns.calendar import utc

NOW = utc("2026-03-20T00:00")
pytestmark = pytest.mark.django_db


def event(uid: str = "e1", **lines: str) -> str:
    given = {"UID": uid, "DTSTAMP": "20260101T000000Z", "DTSTART;TZID=Europe/Berlin": "20260330T100000", **lines}
    return "\r\n".join(["BEGIN:VEVENT", *(f"{name}:{value}" for name, value in given.items() if value), "END:VEVENT"])


def calendar(*events: str, **options: Any) -> list[Item]:
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""])
    return list(ical.read(text.encode(), now=NOW, **options))


local = datetime.fromisoformat


def test_an_event(db: None) -> None:
    more = {"SEQUENCE": "3", "SUMMARY": "Eye test", "CATEGORIES": "visit,eye", "ATTENDEE;CN=Ada": "tel:+4915112345678"}
    (item,) = calendar(event(**more, STATUS="CONFIRMED"))
    assert item == Item(
        "e1",
        local("2026-03-30T10:00"),
        "Europe/Berlin",
        phone="+4915112345678",
        kind="visit",
        attributes={"summary": "Eye test"},
        source_version=3,
        source_at=utc("2026-01-01T00:00"),
    )


def test_where_the_number_stands() -> None:
    mail = {"ATTENDEE": "mailto:ada@example.org"}
    assert [item.phone for item in calendar(event(**mail, **{"X-PHONE": "0151 12345678"}))] == ["0151 12345678"]
    own = event(**mail, **{"X-CLINIC-MOBILE": "+4915112345678"})
    assert [item.phone for item in calendar(own, phone_property="x-clinic-mobile")] == ["+4915112345678"]
    assert [item.phone for item in calendar(event(**mail))] == [""]


def test_a_repeating_event_keeps_its_hour_and_its_changed_and_cancelled_days() -> None:
    weekly = event(RRULE="FREQ=WEEKLY;COUNT=4", **{"DTSTART;TZID=Europe/Berlin": "20260323T100000"})
    moved = event(
        **{"RECURRENCE-ID;TZID=Europe/Berlin": "20260330T100000", "DTSTART;TZID=Europe/Berlin": "20260331T150000"},
        SEQUENCE="1",
    )
    off = event(
        **{"RECURRENCE-ID;TZID=Europe/Berlin": "20260406T100000", "DTSTART;TZID=Europe/Berlin": "20260406T100000"},
        STATUS="CANCELLED",
    )
    found = sorted(calendar(weekly, moved, off), key=lambda item: item.external_id)
    assert [(item.external_id, item.starts_at, item.status) for item in found] == [
        ("e1/20260323T0900", local("2026-03-23T10:00"), "booked"),
        ("e1/20260330T0800", local("2026-03-31T15:00"), "booked"),
        ("e1/20260406T0800", local("2026-04-06T10:00"), "cancelled"),
        ("e1/20260413T0800", local("2026-04-13T10:00"), "booked"),
    ]


def test_the_horizon_bounds_what_never_ends() -> None:
    assert len(calendar(event(RRULE="FREQ=DAILY"))) == pytest.approx(170, abs=2)


def test_what_is_broken_costs_no_other() -> None:
    found = calendar(
        event("good"),
        "BEGIN:VEVENT\r\nUID;;;:\r\nDTSTART:when\r\nEND:VEVENT",
        event("endless", RRULE="FREQ=SECONDLY"),
        event("never", RRULE="FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"),
        event(""),
        event("start", **{"DTSTART;TZID=Europe/Berlin": "", "SUMMARY": "x"}),
        event("long", SUMMARY="x" * 70_000),
        event("good too"),
    )
    assert sorted(item.external_id for item in found if not item.problem) == ["good", "good too"]
    assert len([item for item in found if item.problem]) == 6


def test_ten_thousand_lines() -> None:
    found = calendar(*(event(f"e{number}") for number in range(1_700)))
    assert len({item.external_id for item in found}) == 1_700


def test_what_is_beyond_the_limit_is_not_read_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ITEMS", 3)
    rows = b"".join(b"v%d,2026-05-04T14:30\n" % number for number in range(5))
    for found in (
        list(csv_files.read(b"id,start\n" + rows)),
        calendar(*(event(f"e{number}") for number in range(5))),
        list(fhir.read(bundle(*(resource(id=f"a{number}") for number in range(5))))),
    ):
        assert [item.problem for item in found] == ["", "", "", "Only the first 3 appointments of a file are read."]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused_or_read(data: bytes) -> None:
    for reader in (
        lambda: ical.read(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + data + b"\nEND:VEVENT", now=NOW),
        lambda: fhir.read(data),
        lambda: csv_files.read(b"id,start\n" + data),
    ):
        try:
            list(reader())
        except UnreadableFile:
            pass


# --- FHIR -------------------------------------------------------------------------------------------------------


def resource(**changed: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": "a1",
        "meta": {"versionId": "4", "lastUpdated": "2026-01-01T00:00:00Z"},
        "status": "booked",
        "start": "2026-03-30T10:00:00+02:00",
        "serviceType": [{"text": "Vaccination"}],
        "participant": [{"status": "accepted", "actor": {"reference": "Patient/p1", "display": "Ada Byron"}}],
    } | changed


def bundle(*resources: Any) -> bytes:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"value": "P-7"}],
        "telecom": [
            {"system": "email", "value": "ada@example.org"},
            {"system": "phone", "use": "home", "value": "+493012345"},
            {"system": "phone", "use": "mobile", "value": "+4915112345678"},
        ],
    }
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in (patient, *resources)]}
    ).encode()


def test_a_bundle_with_its_patient() -> None:
    (item,) = fhir.read(bundle(resource()))
    assert (item.external_id, item.identifier, item.phone, item.name) == ("a1", "P-7", "+4915112345678", "Ada Byron")
    assert (item.starts_at, item.kind, item.status) == (utc("2026-03-30T08:00"), "Vaccination", "booked")
    assert (item.source_version, item.source_at) == (4, utc("2026-01-01T00:00"))


def test_what_is_malformed_is_said_and_the_rest_is_read() -> None:
    found = list(
        fhir.read(
            bundle(
                resource(id="a2", status="perhaps"),
                resource(id="a3", participant=[]) | {"start": "yesterday"},
                resource(id="a4", status="noshow"),
                {"resourceType": "Appointment"},
                {"resourceType": "Slot"},
                "nothing",
            )
        )
    )
    assert [(item.external_id, bool(item.problem)) for item in found] == [
        ("a2", True),
        ("a3", True),
        ("a4", False),
        ("", True),
    ]
    assert "yesterday" not in found[1].problem
    assert found[2].status == "missed"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"resourceType": "Bundle"}', b"[" * 100_000])
def test_what_is_no_fhir(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        fhir.read(data)


# --- CSV --------------------------------------------------------------------------------------------------------


def test_rows() -> None:
    data = "id;start;phone;doctor;version\nv1;2026-03-30T10:00;+4915112345678;Dr Okafor;2\nv2;soon;1;;\n\nv3;;;;;x\n"
    first, second, third = csv_files.read(data.encode())
    assert first == Item(
        "v1",
        local("2026-03-30T10:00"),
        phone="+4915112345678",
        attributes={"doctor": "Dr Okafor"},
        source_version=2,
    )
    assert second.problem.startswith("A time, a number or an id")
    assert third.problem.startswith("The row has more cells")


def test_a_file_of_people_is_read_by_what_they_call_its_columns() -> None:
    data = (
        "Nr.;Vorname;Nachname;Handy;Terminart;Datum;Uhrzeit;Praxis\n"
        "4711;Anna;Weber;0151 23456701;Impfung;01.12.2026;8:00;Mitte\n"
        "4712;;Koch;0151 23456702;;2.12.2026;14.30 Uhr;\n"
        "4713;;;0151 23456703;;02/12/2026;8:00;\n"
        "4714;;;0151 23456704;;2.12.2026;;\n"
    )
    first, second, slashes, timeless = csv_files.read(data.encode("cp1252"))
    assert first == Item(
        "4711",
        local("2026-12-01T08:00"),
        phone="0151 23456701",
        name="Anna Weber",
        kind="Impfung",
        attributes={"Praxis": "Mitte"},
    )
    assert (second.name, second.starts_at) == ("Koch", local("2026-12-02T14:30"))
    for unclear in (slashes, timeless):
        assert unclear.problem.startswith("A time, a number or an id")


def test_a_file_of_a_system_keeps_its_own_names() -> None:
    (one,) = csv_files.read(b"id,start,phone,date,Patient,first_name\nv1,2026-03-30T10:00,+4915112345678,x,y,z\n")
    assert (one.name, one.attributes) == ("", {"date": "x", "Patient": "y", "first_name": "z"})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-04T14:30", "2026-05-04T14:30"),
        ("2026-05-04 2:30 PM", "2026-05-04T14:30"),
        ("2026-05-04 12:05 am", "2026-05-04T00:05"),
        ("4.5.2026 8:00", "2026-05-04T08:00"),
        ("04.05.2026, 8.30 Uhr", "2026-05-04T08:30"),
    ],
)
def test_times_as_people_write_them(text: str, at: str) -> None:
    assert begins(text) == local(at)


@pytest.mark.parametrize("text", ["5/4/2026 8:00", "4.5.2026", "4.5.2026 25:00", "31.2.2026 8:00", "4.5.2026 13:00 pm"])
def test_what_may_be_another_time_is_none(text: str) -> None:
    (one,) = csv_files.read(f"id,start\nv1,{text}\n".encode())
    assert one.problem.startswith("A time, a number or an id")


@pytest.mark.parametrize("data", [b"", b"name,phone\n", b"id,start,id\n", b"\xff" * 21 * 1024 * 1024])
def test_what_is_no_csv_of_appointments(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        list(csv_files.read(data))
