"""The auditor's screen: filters, pages by keyset, the file, and how long entries are kept."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import ResolverMatch, URLResolver, get_resolver
from django.utils import timezone, translation
from pytest_django import Settings

from smshub.audit import reading, trail, words
from smshub.audit.models import Entry
from smshub.audit.places import Place, of_admin, of_api
from tests.admin.conftest import one_of
from tests.admin.reading import read
from tests.audit.factories import EntryFactory

pytestmark = pytest.mark.django_db
LOG = "/admin/audit/entry/"


def shown(client: Client, **asked: str) -> list[str]:
    return [part.text for part in read(client.get(LOG, asked).content).named("entry")]


@pytest.fixture
def auditor() -> Client:
    return one_of("Auditor")


def test_an_entry_says_who_did_what_and_what_was_before(auditor: Client) -> None:
    EntryFactory(
        actor="grace", changes={"rate": [10, 25], "enabled": [True, False], "credentials": None, "note": ["", "x"]}
    )

    (line,) = shown(auditor, actor="grace")

    for part in ("grace", "192.0.2.7", "launched", "Campaign 7", "rate 10 → 25", "enabled Yes → No"):
        assert part in line
    assert "credentials (not kept)" in line
    assert "note – → x" in line


@pytest.mark.parametrize(
    "asked",
    [
        {"actor": "ada"},
        {"kind": "export"},
        {"subject": "contacts.Contact"},
        {"object_id": "99"},
        {"since": "2026-03-02", "until": "2026-03-02"},
        {"request_id": "0af76519-16cd-43dd-8448-eb211c80319c"},
    ],
)
def test_entries_are_found_by_who_what_and_when(auditor: Client, asked: dict[str, str]) -> None:
    march = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    wanted = {"actor": "ada", "kind": "export", "subject": "contacts.Contact", "object_id": "99", "at": march}
    EntryFactory(verb="the one", request_id="0af76519-16cd-43dd-8448-eb211c80319c", **wanted)
    EntryFactory(verb="another", at=march + timedelta(minutes=2))
    EntryFactory(verb="another", at=march - timedelta(days=2))

    assert [("the one" in line) for line in shown(auditor, **asked)] == [True]


def test_what_is_no_date_finds_everything_and_says_so(auditor: Client) -> None:
    EntryFactory()

    page = read(auditor.get(LOG, {"since": "the other day"}).content)

    assert "Enter a valid date." in page.text


def test_pages_follow_one_another_without_a_gap_though_entries_come_meanwhile(auditor: Client) -> None:
    moment = timezone.now() - timedelta(days=1)
    for number in range(2 * reading.SCREEN + 5):
        EntryFactory(actor="grace", at=moment + timedelta(seconds=number // 3), object_id=str(number))

    seen: list[str] = []
    address = f"{LOG}?actor=grace"
    for _ in range(3):
        page = read(auditor.get(address).content)
        seen += [part.text.split("Campaign ")[1] for part in page.named("entry")]
        EntryFactory(actor="grace", object_id="later")
        address = LOG + page.find("next").attributes.get("href", "")

    assert seen == [str(number) for number in reversed(range(2 * reading.SCREEN + 5))]


def test_a_page_costs_the_same_however_long_the_log_is_and_counts_nothing(auditor: Client) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            auditor.get(LOG)
        return [query["sql"] for query in captured.captured_queries]

    EntryFactory()
    few = queries()
    EntryFactory.create_batch(reading.SCREEN + 10)

    assert len(queries()) == len(few)
    assert not any("COUNT(" in query for query in queries())


def test_the_file_has_what_was_asked_for_and_is_itself_in_the_log(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 2)
    for number in range(5):
        EntryFactory(actor="grace", object_id=str(number), changes={"name": ["a", "=cmd"]})
    EntryFactory(actor="ada", verb="=cmd")

    answer = auditor.get(f"{LOG}audit.csv", {"actor": "grace"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]

    assert [row["object_id"] for row in rows] == ["4", "3", "2", "1", "0"]
    assert rows[0]["changes"] == '{"name": ["a", "=cmd"]}'
    assert Entry.objects.filter(kind="export", subject="audit.Entry", verb="csv").exists()


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    EntryFactory(actor="=1+1")

    (row,) = csv.DictReader(io.StringIO("".join(reading.csv_lines(reading.Wanted()))))

    assert row["actor"] == "'=1+1"


@pytest.mark.parametrize("role", ["Author", "Approver", "Inbox agent", "Staff"])
def test_others_do_not_see_the_log(role: str) -> None:
    client = one_of(role)

    assert client.get(LOG).status_code == 403
    assert client.get(f"{LOG}audit.csv").status_code == 403


def test_old_entries_go_when_their_time_is_over_and_younger_ones_cannot(settings: Settings) -> None:
    for days in (1, 29, 31, 400):
        EntryFactory(at=timezone.now() - timedelta(days=days))
    assert trail.forget() == 0

    settings.AUDIT_RETENTION_DAYS = 30
    assert trail.forget() == 2
    assert trail.forget() == 0

    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        Entry.objects.filter(at__lt=timezone.now() - timedelta(days=7)).delete()
    assert Entry.objects.count() == 2


def test_every_page_and_every_address_of_the_api_has_a_word_for_what_is_done_there() -> None:
    without = {place for place in _places(get_resolver()) if place.verb and place.verb not in words.VERBS}

    assert without == set()


def _places(resolver: URLResolver, names: tuple[str, ...] = ()) -> Iterator[Place]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _places(pattern, (*names, pattern.namespace or ""))
        elif pattern.name:
            match = ResolverMatch(pattern.callback, (), {}, pattern.name)
            of = of_admin if "admin" in names else of_api
            yield from (of(match, method) for method in ("GET", "POST", "PATCH", "DELETE"))


def test_values_are_read_as_a_person_writes_them_in_their_time_zone(auditor: Client) -> None:
    changes = {
        "revoked_at": [None, "2026-03-02T22:30:15.25+00:00"],
        "own_messages": [True, False],
        "per_minute": [None, 12000],
        "scopes": [["contacts:read"], ["contacts:read", "lists:read"]],
        "expires_at": ["infinity", None],
    }
    entry = EntryFactory(subject="api.ApiKey", changes=changes)

    with translation.override("de"), timezone.override("Europe/Berlin"):
        said = [change[1:] for change in words.changes(entry)]

    assert said == [  # by the columns' names
        ("infinity", "–"),
        ("Ja", "Nein"),
        ("–", "12.000"),
        ("–", "2. Mär 2026 23:30:15"),
        ("contacts:read", "contacts:read, lists:read"),
    ]


def test_the_log_is_read_in_ones_own_language_and_the_file_has_the_codes(auditor: Client) -> None:
    changes = {"status": ["draft", "running"], "paused_reason": ["", "Switched off by staff."]}
    EntryFactory(actor="grace", subject="campaigns.Campaign", verb="launch", changes=changes)
    EntryFactory(actor="grace", subject="campaigns.Campaign.include", verb="add", changes={})

    answer = auditor.get(LOG, {"actor": "grace"}, HTTP_ACCEPT_LANGUAGE="de")
    of_list, of_campaign = [part.text for part in read(answer.content).named("entry")]
    translation.activate(settings.LANGUAGE_CODE)
    file = b"".join(auditor.get(f"{LOG}audit.csv", {"actor": "grace"}).streaming_content).decode()  # type: ignore[attr-defined]

    for part in ("gestartet", "Kampagne 7", "Status Entwurf → Läuft", "Von Mitarbeitenden ausgeschaltet."):
        assert part in of_campaign
    assert "Kampagne: " in of_list
    assert "campaigns.Campaign.include" in file
    assert "Switched off by staff." in file
