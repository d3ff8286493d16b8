"""Who is imported into a list for marketing agreed to it somewhere, on some day: the ledger says where and when."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from contacts import digests
from contacts.consents import ledger, standing
from contacts.consents.ledger import Line
from contacts.importing.read import ImportProblem
from contacts.importing.run import check, inspect, prepare, run, set_mapping, state_consent
from contacts.importing.values import moment
from contacts.models import ConsentEvent, Contact, ContactImport
from tests.factories import ContactListFactory, SuppressionFactory

pytestmark = pytest.mark.django_db

ANN, BEA = "+33612345678", "+33612345679"
MAY = datetime(2026, 5, 3, tzinfo=UTC)
PLAIN = f"phone,name\n{ANN},Ann\n{BEA},Bea\n"
TOLD = f"phone,Consent date,Source of consent\n{ANN},2026-05-03,Fair\n{BEA},2026-05-04T10:00:00+02:00,Web\n"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def upload(data: str, *, marketing: bool = True, source: str = "", at: datetime | None = None) -> ContactImport:
    return prepare(
        file=ContentFile(data.encode()),
        original_name="people.csv",
        default_country="FR",
        contact_list=ContactListFactory(is_marketing=marketing),
        actor=None,
        consent_source=source,
        consent_at=at,
    )


def recorded() -> list[tuple[str | None, str, str]]:
    events = ConsentEvent.objects.filter(action="granted", source="import").order_by("phone", "pk")
    return [(event.phone, event.at.astimezone(UTC).isoformat()[:16], event.evidence) for event in events]


def test_columns_that_say_it_are_recognised_and_recorded() -> None:
    file = upload(TOLD)
    assert (file.mapping["Consent date"], file.mapping["Source of consent"]) == ("consent_at", "consent_source")

    done = run(file)

    assert (done.status, done.created_count) == ("done", 2)
    assert recorded() == [(ANN, "2026-05-03T00:00", "Fair"), (BEA, "2026-05-04T08:00", "Web")]
    assert standing.may_text([ANN, BEA], "marketing") == {ANN, BEA}
    assert Contact.objects.get(phone=ANN).attributes == {}


def test_one_statement_holds_for_everyone_where_no_column_says_otherwise() -> None:
    run(upload(f"phone,Consent date\n{ANN},2026-05-01\n{BEA},\n", source="Fair", at=MAY))
    assert recorded() == [(ANN, "2026-05-01T00:00", "Fair"), (BEA, "2026-05-03T00:00", "Fair")]


@pytest.mark.parametrize(
    ("source", "at", "complaint"), [("", MAY, "where"), ("Fair", None, "when"), ("", None, "where")]
)
def test_a_list_for_marketing_takes_no_file_that_does_not_say_it(
    source: str, at: datetime | None, complaint: str
) -> None:
    file = upload(PLAIN, source=source, at=at)
    for start in (check, run):
        with pytest.raises(ImportProblem, match=complaint):
            start(file)
    assert not Contact.objects.exists()

    state_consent(upload=file, source="Fair", at=MAY)
    assert run(file).created_count == 2


def test_a_row_that_does_not_say_it_is_refused_and_the_others_are_not() -> None:
    done = run(upload(f"phone,Consent date,Source of consent\n{ANN},2026-05-03,Fair\n{BEA},,Fair\n"))
    assert (done.created_count, done.rejected_count) == (1, 1)
    assert [phone for phone, *_ in recorded()] == [ANN]


@pytest.mark.parametrize("when", ["03/05/2026", "soon", "2999-01-01", "0001-01-01T00:00:00+14:00"])
def test_a_date_that_is_none_or_not_yet_is_refused(when: str) -> None:
    file = upload(TOLD.replace("2026-05-03", when))
    file.mapping["Consent date"] = "consent_at"
    file.save()
    assert run(file).rejected_count == 1


def test_other_lists_ask_for_nothing_and_keep_what_a_file_says() -> None:
    assert run(upload(PLAIN, marketing=False)).created_count == 2
    assert recorded() == []
    run(upload(TOLD, marketing=False))
    assert len(recorded()) == 2


def test_no_list_takes_a_place_of_consent_that_would_be_lost_for_want_of_a_day() -> None:
    file = upload(PLAIN, marketing=False, source="Fair")
    with pytest.raises(ImportProblem, match="but not when"):
        run(file)

    state_consent(upload=file, source="Fair", at=MAY)
    run(file)
    assert [evidence for *_, evidence in recorded()] == ["Fair", "Fair"]


def test_the_same_file_again_records_nothing_twice() -> None:
    run(upload(TOLD))
    run(upload(TOLD))
    assert len(recorded()) == 2


def test_an_old_consent_in_a_file_does_not_undo_a_later_no() -> None:
    later = datetime(2026, 6, 1, tzinfo=UTC)
    ledger.record([Line(ANN, "withdrawn", "marketing", "keyword", later)])
    run(upload(TOLD))
    assert standing.may_text([ANN, BEA], "marketing", recorded=False) == {BEA}


def test_a_check_records_nothing() -> None:
    assert check(upload(TOLD)).created_count == 2
    assert recorded() == []


def test_an_erased_number_is_not_imported_and_not_kept_in_the_file_of_refused_rows() -> None:
    digests.forget()
    digests.make()
    SuppressionFactory(phone=None, digest=digests.digest(ANN), reason="erased")

    done = run(upload(PLAIN, marketing=False))

    assert (done.created_count, done.rejected_count) == (1, 1)
    with done.rejected_file.open("rb") as file:
        assert ANN.encode() not in file.read()
    digests.forget()


@pytest.mark.parametrize("text", ["", "x", "2026-13-01", "9999-12-31T23:59:59-23:59", "٢٠٢٦-٠٥-٠٣"])
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment(text) is None


def test_a_column_with_the_place_and_none_with_the_day_is_told_of_before_the_import() -> None:
    # Given a file for any list, with a column that says where, and nothing that says when
    file = upload(f"phone,Source of consent\n{ANN},Fair\n", marketing=False)
    assert file.mapping["Source of consent"] == "consent_source"

    # Then whoever looks at the columns reads it, and it can not be lost
    (problem,) = inspect(file).problems
    assert "nothing says when" in problem
    for start in (check, run):
        with pytest.raises(ImportProblem, match="nothing says when"):
            start(file)

    # When the day is said for everyone, or the column left out, nothing is in the way
    state_consent(upload=file, source="", at=MAY)
    assert inspect(file).problems == ()
    run(file)
    assert recorded() == [(ANN, "2026-05-03T00:00", "Fair")]

    left_out = upload(f"phone,Source of consent\n{ANN},Fair\n", marketing=False)
    set_mapping(upload=left_out, mapping={"phone": "phone"})
    assert run(left_out).status == "done"
