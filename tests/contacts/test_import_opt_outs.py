"""A file may say who wants no texts: these are suppressed in the import, and whoever is unclear is not imported."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import consent
from contacts.consents import standing
from contacts.importing.mapping import guess
from contacts.importing.opt_outs import said
from contacts.importing.rows import Rejected
from contacts.importing.run import check, prepare, run, set_mapping, start_undo
from contacts.importing.work import proceed
from contacts.models import ConsentEvent, Contact, ContactImport, Suppression
from contacts.signals import suppression_changed
from tests.factories import ContactListFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

ANN, BEA, CLEO = "+33612345678", "+33612345679", "+33612345680"
FILE = f"Phone,Name,keine Werbung\n{ANN},Ann,\n{BEA},Bea,ja\n{CLEO},Cleo,nein\n"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def upload(data: str, **more: Any) -> ContactImport:
    given = {"contact_list": None, "actor": None, **more}
    return prepare(file=ContentFile(data.encode()), original_name="people.csv", default_country="FR", **given)


def stopped() -> dict[str | None, str]:
    return dict(Suppression.objects.filter(lifted_at=None, scope="").values_list("phone", "reason"))


@pytest.mark.parametrize(
    "column", ["opted_out", "Opt-Out", "no ads", "Keine Werbung", "Unsubscribed", "Werbewiderspruch", "Do not text"]
)
def test_the_column_is_known_by_its_name_even_where_its_first_cells_are_empty(column: str) -> None:
    mapping = guess(header=["Phone", column], samples=[(ANN, "")], default_country="")
    assert mapping[column] == "opted_out"


@pytest.mark.parametrize("cell", ["yes", " Ja ", "X", "TRUE", "1", "Wahr", "oui", "Sí", "да", "✓", "2026-05-03"])
def test_what_means_yes(cell: str) -> None:
    assert said(cell)


@pytest.mark.parametrize("cell", ["", " ", "no", "Nein", "false", "0", "FALSCH", "não", "-", "нет"])
def test_what_means_no(cell: str) -> None:
    assert not said(cell)


@pytest.mark.parametrize("cell", ["maybe", "2", "✗", "yes?no", "03/05/2026"])
def test_anything_else_is_refused(cell: str) -> None:
    with pytest.raises(Rejected, match="neither yes nor no"):
        said(cell)


def test_who_wants_no_texts_is_imported_and_suppressed_with_the_line_as_evidence() -> None:
    people = ContactListFactory()
    done = run(upload(FILE, contact_list=people))

    assert (done.status, done.created_count, done.opted_out_count) == ("done", 3, 1)
    assert people.memberships.count() == 3
    assert stopped() == {BEA: "opted_out"}
    assert Suppression.objects.get().evidence == f"Line 3 of import {done.pk}: people.csv"
    assert Contact.objects.get(phone=BEA).attributes == {}


def test_a_row_that_is_unclear_is_left_out_with_the_reason() -> None:
    done = run(upload(FILE.replace("nein", "perhaps")))
    assert (done.created_count, done.rejected_count) == (2, 1)
    with done.rejected_file.open("rb") as file:
        assert "neither yes nor no" in file.read().decode()


def test_a_dry_run_counts_them_and_suppresses_nobody() -> None:
    tried = check(upload(FILE))
    assert (tried.status, tried.opted_out_count) == ("checked", 1)
    assert stopped() == {}


def test_one_yes_holds_whatever_other_rows_and_columns_of_the_number_say() -> None:
    run(upload(f"Phone,Opt-out,No ads\n{ANN},yes,no\n{ANN},no,\n{BEA},,x\n{CLEO},no,no\n"))
    assert stopped() == {ANN: "opted_out", BEA: "opted_out"}


def test_another_column_can_be_chosen_for_it() -> None:
    file = upload(f"Phone,Remark\n{ANN},x\n{BEA},\n")
    set_mapping(upload=file, mapping={"Phone": "phone", "Remark": "opted_out"})
    run(file)
    assert stopped() == {ANN: "opted_out"}


def test_no_consent_is_asked_of_them_or_recorded() -> None:
    marketing = ContactListFactory(is_marketing=True)
    data = f"Phone,Consent date,Opted out\n{ANN},2026-05-03,\n{BEA},,yes\n{CLEO},2026-05-03,yes\n"
    done = run(upload(data, contact_list=marketing, consent_source="Fair"))
    assert (done.created_count, done.rejected_count) == (3, 0)
    assert list(ConsentEvent.objects.values_list("phone", flat=True)) == [ANN]

    plain = run(upload(FILE, consent_source="Fair", consent_at=datetime(2026, 5, 4, tzinfo=UTC)))
    assert plain.opted_out_count == 1
    assert standing.may_text([ANN, BEA, CLEO], "marketing") == {ANN, CLEO}


def test_what_was_known_better_stays_and_what_was_less_certain_gives_way() -> None:
    SuppressionFactory(phone=BEA, reason="manual", evidence="asked by phone")
    SuppressionFactory(phone=ANN, reason="invalid_number")
    run(upload(FILE.replace("Ann,", "Ann,x")))
    assert stopped() == {ANN: "opted_out", BEA: "manual"}


def test_it_is_announced_to_the_floors_above() -> None:
    heard: list[Any] = []

    def hear(phones: Any, suppressed: bool, reason: str, **_: Any) -> None:
        heard.append((list(phones), suppressed, reason))

    suppression_changed.connect(hear)
    try:
        run(upload(FILE))
    finally:
        suppression_changed.disconnect(hear)
    assert heard == [([BEA], True, "opted_out")]


def test_an_undo_leaves_them_opted_out_and_says_so(admin_user: Any) -> None:
    file = run(upload(FILE))
    start_undo(file, actor=admin_user)
    proceed(import_id=file.pk, status=ContactImport.Status.UNDOING)
    file.refresh_from_db()
    assert (file.undone["removed"], file.undone["kept_opted_out"]) == (3, 1)
    assert consent.is_suppressed(BEA)


def test_many_take_as_many_queries_as_few() -> None:
    def queries(people: int, first: int) -> int:
        rows = "".join(f"+3361234{first + n:04d},x\n" for n in range(people))
        file = upload(f"Phone,Opted out\n{rows}")
        with CaptureQueriesContext(connection) as captured:
            run(file)
        return len(captured)

    assert queries(500, 1000) == queries(5, 2000)
