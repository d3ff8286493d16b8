"""A file may say who wants no texts: these are suppressed in the import, and whoever is unclear is not imported."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import consent, digests
from contacts.consents import standing
from contacts.importing.mapping import guess
from contacts.importing.opt_outs import said
from contacts.importing.rows import Rejected
from contacts.importing.run import check, prepare, run, set_mapping, start_undo
from contacts.importing.work import proceed
from contacts.models import ConsentEvent, Contact, ContactImport, Suppression
from contacts.phone import normalise
from contacts.signals import suppression_changed
from tests.factories import ContactFactory, ContactListFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

ANN, BEA, CLEO, DORA = "+33612345678", "+33612345679", "+33612345680", "+33612345681"
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


@contextmanager
def hearing() -> Iterator[list[Any]]:
    heard: list[Any] = []

    def hear(phones: Any, suppressed: bool, reason: str, **_: Any) -> None:
        heard.append((list(phones), suppressed, reason))

    suppression_changed.connect(hear)
    try:
        yield heard
    finally:
        suppression_changed.disconnect(hear)


def test_it_is_announced_to_the_floors_above() -> None:
    with hearing() as heard:
        run(upload(FILE))
    assert heard == [([BEA], True, "opted_out")]


# --- rows that are not imported ----------------------------------------------------------------------------------


WRONG = {
    "language": f"{BEA},German (Austria),,ja",
    "country": f"{BEA},,Somewhere,ja",
    "a cell too many, before": f"{BEA},de,,,ja",
    "a cell too many, after": f"{BEA},de,,ja,left over",
    "a cell too few": f"{BEA},de,ja",
    "a cell too many before the number": f",{BEA},de,,ja",
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG.keys())
def test_an_opt_out_is_taken_whatever_else_is_wrong_with_the_row(row: str) -> None:
    # Given somebody who is known, and a file that says in a row with a fault that they want no texts
    ContactFactory(phone=BEA)
    file = upload(f"Phone,Language,Country,Stop\n{ANN},de,DE,\n{row}\n")
    said_so = {"Phone": "phone", "Language": "language", "Country": "country", "Stop": "opted_out"}
    set_mapping(upload=file, mapping=said_so)

    # When it is tried, that is counted; when it is imported, it holds
    assert (check(file).opted_out_count, stopped()) == (1, {})
    done = run(file)
    assert (done.created_count, done.rejected_count, done.rejected_opted_out_count) == (1, 1, 1)
    assert stopped() == {BEA: "opted_out"}
    assert Suppression.objects.get().evidence == f"Line 3 of import {done.pk}: people.csv"
    with done.rejected_file.open("rb") as rejected:
        assert "Their opt-out is taken all the same." in rejected.read().decode()


def test_cells_that_only_fill_a_row_move_none_of_its_columns() -> None:
    run(upload(f"Phone,keine Werbung,Language,VIP\n{ANN},nein,nonsense,ja,,\n{BEA},ja,de,nein,,\n"))
    assert stopped() == {BEA: "opted_out"}


def test_a_yes_beside_an_unclear_cell_is_a_yes() -> None:
    done = run(upload(f"Phone,Opt-out,No ads\n{ANN},perhaps,yes\n{BEA},no,perhaps\n"))
    assert (stopped(), done.rejected_count) == ({ANN: "opted_out"}, 1)


def test_one_row_says_it_for_the_other_that_is_imported() -> None:
    data = f"Phone,Language,Consent date,Opted out\n{ANN},de,2026-05-03,\n{ANN},nonsense,,yes\n"
    done = run(upload(data, consent_source="Fair"))
    assert (done.created_count, stopped()) == (1, {ANN: "opted_out"})
    assert not ConsentEvent.objects.exists()


def test_of_somebody_who_was_erased_no_row_is_kept() -> None:
    digests.make()
    SuppressionFactory(phone=None, digest=digests.digest(BEA), reason="erased")
    done = run(upload(f"Phone,Language,Opted out\n{ANN},de,\n{BEA},nonsense,yes\n"))
    assert (done.rejected_count, done.opted_out_count) == (1, 0)
    with done.rejected_file.open("rb") as rejected:
        assert BEA[1:] not in rejected.read().decode()


#: A file with a zero byte is no text, and is refused whole.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
YES = st.sampled_from(["yes", " Ja ", "x", "1", "2026-05-03", "STOP"])
CELL = st.one_of(st.sampled_from(["", "de", "no", "perhaps", "x" * 1001, "06", '"', ";", "\n", "ß\u0301"]), TEXT)
NUMBER = st.sampled_from([ANN, "06 12 34 56 79", "0033612345680", "(0) 612345681", "+33 (0)6 12.34.56.82"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(NUMBER, CELL, CELL, YES, st.lists(CELL, max_size=2)), min_size=1, max_size=6))
def test_whoever_has_a_number_and_a_yes_in_the_column_is_stopped(rows: list[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Phone", "Language", "Remark", "Opted out"])
    for number, language, remark, yes, more in rows:
        writer.writerow([number, language, remark, yes, *more])
    file = upload(text.getvalue())
    set_mapping(
        upload=file,
        mapping={"Phone": "phone", "Language": "language", "Remark": "attribute:remark", "Opted out": "opted_out"},
    )
    done = run(file)
    numbers = {normalise(number, default_country="FR").e164 for number, *_ in rows}
    assert numbers <= stopped().keys()
    assert done.opted_out_count == len(numbers)


# --- undone ------------------------------------------------------------------------------------------------------


def undone(file: ContactImport, actor: Any = None) -> dict[str, int]:
    start_undo(file, actor=actor)
    proceed(import_id=file.pk, status=ContactImport.Status.UNDOING)
    file.refresh_from_db()
    counts: dict[str, int] = file.undone
    return counts


def test_an_undo_lifts_what_only_the_import_said_with_the_reason(admin_user: Any) -> None:
    # Given a column that was chosen by mistake, also in a row that was not imported
    file = run(upload(FILE + f"{DORA},{'x' * 201},ja\n"))
    assert stopped() == {BEA: "opted_out", DORA: "opted_out"}

    # When the import is undone
    counts = undone(file, admin_user)

    # Then they may be texted, and each entry says who let them, when and why
    assert (counts["removed"], counts["opt_outs"]) == (3, 2)
    assert "kept_opt_outs" not in counts
    assert stopped() == {}
    for entry in Suppression.objects.all():
        assert (entry.lifted_by, entry.lifted_evidence) == (admin_user, f"Import {file.pk} was undone.")
        assert entry.lifted_at is not None


SAID_TOO: dict[str, Callable[[], object]] = {
    "STOP": lambda: stop("opted_out", "inbound text 7"),
    "a refusal in free words": lambda: stop("refused", "inbound text 7"),
    "staff": lambda: stop("manual", "asked by phone"),
    "an erasure": lambda: stop("erased", ""),
}


def stop(reason: str, evidence: str) -> None:
    consent.suppress(phones=[BEA], reason=reason, evidence=evidence, actor=None)


@pytest.mark.parametrize("says", SAID_TOO.values(), ids=SAID_TOO.keys())
@pytest.mark.parametrize("before", [True, False], ids=["before", "since"])
def test_an_undo_lifts_nothing_that_was_said_otherwise_too(says: Callable[[], object], *, before: bool) -> None:
    if before:
        says()
    file = run(upload(FILE))
    if not before:
        says()
    assert undone(file)["kept_opt_outs"] == 1
    assert consent.is_suppressed(BEA)


def test_what_a_person_says_after_a_file_stands_on_its_own_evidence() -> None:
    run(upload(FILE))
    assert consent.suppress(phones=[BEA], reason="opted_out", evidence="inbound text 7", actor=None) == 1
    assert consent.suppress(phones=[BEA], reason="opted_out", evidence="inbound text 8", actor=None) == 0
    assert Suppression.objects.get().evidence == "inbound text 7"


def test_a_number_that_also_fails_rests_on_the_file_still() -> None:
    file = run(upload(FILE))
    assert consent.suppress(phones=[BEA], reason="invalid_number", evidence="30005", actor=None) == 0
    assert undone(file)["opt_outs"] == 1


def test_who_wrote_start_and_stop_since_stays_stopped() -> None:
    file = run(upload(FILE))
    consent.lift(phones=[BEA], evidence="START", actor=None, reasons=consent.THEIR_OWN)
    stop("opted_out", "STOP")
    undone(file)
    assert stopped() == {BEA: "opted_out"}


def test_the_same_file_again_changes_nothing_and_both_have_to_be_undone() -> None:
    first = run(upload(FILE))
    entry = Suppression.objects.get()
    with hearing() as heard:
        second = run(upload(FILE))
    again = Suppression.objects.get()
    assert (again.evidence, again.created_at, heard) == (entry.evidence, entry.created_at, [])

    assert undone(second)["kept_opt_outs"] == 1
    assert stopped() == {BEA: "opted_out"}
    assert undone(first)["opt_outs"] == 1
    assert stopped() == {}


def test_an_undo_is_announced_to_the_floors_above() -> None:
    file = run(upload(FILE))
    with hearing() as heard:
        undone(file)
    assert heard == [([BEA], False, "")]


def test_many_take_as_many_queries_as_few() -> None:
    def queries(people: int, first: int) -> int:
        rows = "".join(f"+3361234{first + n:04d},x\n" for n in range(people))
        file = upload(f"Phone,Opted out\n{rows}")
        with CaptureQueriesContext(connection) as captured:
            run(file)
        return len(captured)

    assert queries(500, 1000) == queries(5, 2000)
