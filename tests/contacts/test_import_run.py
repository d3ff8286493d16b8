"""An import from the upload to the contacts: what it writes, what it leaves alone, what it says."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contacts.importing import rejects
from contacts.importing.read import ImportProblem
from contacts.importing.run import check, inspect, prepare, run, set_mapping
from contacts.models import Contact, ContactImport, ContactList, Membership
from tests.contacts.test_import_read import HOSTILE

pytestmark = pytest.mark.django_db
Status = ContactImport.Status


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def upload(
    data: str | bytes, *, country: str = "FR", contact_list: ContactList | None = None, name: str = "people.csv"
) -> ContactImport:
    content = data.encode() if isinstance(data, str) else data
    return prepare(
        file=ContentFile(content), original_name=name, default_country=country, contact_list=contact_list, actor=None
    )


def counts(done: ContactImport) -> dict[str, int]:
    """Created, updated, unchanged, duplicate, rejected, without the zeros."""
    names = ("created", "updated", "unchanged", "duplicate", "rejected")
    found = {name: getattr(done, f"{name}_count") for name in names}
    assert sum(found.values()) == done.rows_read
    return {name: count for name, count in found.items() if count}


def rejected_rows(done: ContactImport) -> list[list[str]]:
    with done.rejected_file.open("rb") as file:
        return list(csv.reader(io.StringIO(file.read().decode("utf-8-sig")), delimiter=done.delimiter))


def versions() -> list[Any]:
    """What Postgres itself knows of each row: any write, even of the same values, changes xmin."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, xmax::text, ctid::text, updated_at FROM contacts_contact ORDER BY id")
        return list(cursor.fetchall())


PEOPLE = "Phone,Name,City\n06 12 34 56 78,Ann,Lyon\n+33 6 12 34 56 79,Béa,\n"


# --- prepare ---------------------------------------------------------------------------------------------------


def test_a_file_is_taken_in_with_a_guess_at_its_columns() -> None:
    done = upload(PEOPLE.replace(",", ";"), name=r"C:\lists\my\people.csv")
    assert (done.status, done.original_name) == (Status.UPLOADED, "people.csv")
    assert (done.encoding, done.delimiter, done.default_country) == ("utf-8", ";", "FR")
    assert done.header == ["Phone", "Name", "City"]
    assert done.mapping == {"Phone": "phone", "Name": "name", "City": "attribute:city"}
    assert done.total_bytes == len(PEOPLE.encode())
    assert "people" not in str(done.file.name)
    seen = inspect(done)
    assert seen.samples == (("06 12 34 56 78", "Ann", "Lyon"), ("+33 6 12 34 56 79", "Béa", ""))
    assert seen.problems == ()


def test_what_is_uncertain_about_a_file_is_said() -> None:
    done = upload("06 12 34 56 78;Zoë\n".encode("cp1252"))
    assert inspect(done).problems == (
        "The file is not UTF-8 and was read as Windows-1252: look whether the accents are right.",
        "The first line has no column names: it will be imported as a contact.",
    )
    assert inspect(upload("Name,Name\nAnn,Miller\n")).problems == (
        "No column is the phone number: choose it.",
        "Several columns are called “Name”: they are numbered here.",
    )


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_ends_in_a_clear_error_and_nothing_imported(case: str, media: Path) -> None:
    data, expected = HOSTILE[case]
    message = ""
    try:
        message = run(upload(data, country="US")).error
    except ImportProblem as refused:
        message = refused.message
        assert not list(media.rglob("*.csv")), "it was kept although it was refused"
    assert message == expected
    assert not Contact.objects.exists()


def test_a_file_that_is_too_large_is_refused(settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 20_000_000
    file = ContentFile(b"x")
    file.size = 21_000_000
    with pytest.raises(ImportProblem, match="The file has 21 MB; at most 20 MB are allowed"):
        prepare(file=file, original_name="x", default_country="", contact_list=None, actor=None)


def test_an_unknown_default_country_is_refused() -> None:
    with pytest.raises(ImportProblem, match="default country"):
        upload(PEOPLE, country="XX")


# --- run -------------------------------------------------------------------------------------------------------


def test_contacts_are_created_with_what_the_file_and_their_number_tell() -> None:
    done = run(upload(PEOPLE))
    assert done.status == Status.DONE
    assert counts(done) == {"created": 2}
    assert (done.bytes_read, done.rejected_file.name) == (done.total_bytes, "")
    assert list(
        Contact.objects.order_by("phone").values_list("phone", "name", "country", "time_zone", "attributes")
    ) == [
        ("+33612345678", "Ann", "FR", "Europe/Paris", {"city": "Lyon"}),
        ("+33612345679", "Béa", "FR", "Europe/Paris", {}),
    ]


def test_the_same_file_again_writes_nothing() -> None:
    run(upload(PEOPLE))
    before = versions()
    assert counts(run(upload(PEOPLE))) == {"unchanged": 2}
    assert versions() == before


def test_only_contacts_that_differ_are_written() -> None:
    run(upload(PEOPLE))
    before = versions()
    assert counts(run(upload(PEOPLE.replace("Béa", "Beatrice")))) == {"updated": 1, "unchanged": 1}
    after = versions()
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert after[1][4] > before[1][4]


def test_empty_cells_erase_nothing_and_attributes_are_merged() -> None:
    Contact.objects.create(
        phone="+33612345678", name="Ann", language="fr", country="BE", attributes={"city": "Lyon", "vip": True}
    )
    done = run(upload("phone,name,language,city,shoe\n0612345678,,,Nice,38\n"))
    assert counts(done) == {"updated": 1}
    contact = Contact.objects.get()
    assert (contact.name, contact.language) == ("Ann", "fr")
    # The country that somebody gave stands against the one the number tells; the empty time zone is filled.
    assert (contact.country, contact.time_zone) == ("BE", "Europe/Paris")
    assert contact.attributes == {"city": "Nice", "vip": True, "shoe": "38"}


def test_rows_of_one_number_become_one_contact_and_the_last_one_wins() -> None:
    done = run(
        upload("phone,name,city\n0612345678,Ann,Lyon\n0612345679,Bea,\n+33612345678,Anna,\n06 12 34 56 78,,Nice\n")
    )
    assert counts(done) == {"created": 2, "duplicate": 2}
    ann = Contact.objects.get(phone="+33612345678")
    assert (ann.name, ann.attributes) == ("Anna", {"city": "Nice"})


def test_everyone_in_the_file_is_put_on_the_list_once() -> None:
    friends = ContactList.objects.create(name="Friends")
    for _ in range(2):
        run(upload(PEOPLE, contact_list=friends))
        friends.refresh_from_db()
        assert friends.size == Membership.objects.count() == 2


def test_the_halves_of_a_name_are_kept_until_another_name_comes() -> None:
    run(upload("phone,first name,last name\n0612345678,Anna Maria,Miller\n"))
    ann = Contact.objects.get()
    assert ann.name == "Anna Maria Miller"
    assert ann.attributes == {"first_name": "Anna Maria", "last_name": "Miller"}

    run(upload("phone,name,city\n0612345678,Anna Maria Miller,Lyon\n"))
    ann.refresh_from_db()
    assert ann.attributes == {"first_name": "Anna Maria", "last_name": "Miller", "city": "Lyon"}

    run(upload("phone,name\n0612345678,Ann Smith\n"))
    ann.refresh_from_db()
    assert (ann.name, ann.attributes) == ("Ann Smith", {"city": "Lyon"})


def test_a_finished_import_does_nothing_when_run_again() -> None:
    done = run(upload(PEOPLE))
    Contact.objects.all().delete()
    assert counts(run(done)) == {"created": 2}
    assert not Contact.objects.exists()


def test_a_file_that_breaks_in_the_middle_leaves_nothing() -> None:
    data = "phone,name\n" + "".join(f"06{n:08d},x\n" for n in range(20_000_000, 20_003_000)) + '0612345678,"open\n'
    done = run(upload(data))
    assert done.status == Status.FAILED
    assert done.error.startswith("The row on line 3002 opens a quote that is never closed.")
    assert not Contact.objects.exists()


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows() -> None:
    def queries(rows: int) -> int:
        data = "phone,name\n" + "".join(f"06{n:08d},x\n" for n in range(12_000_000, 12_000_000 + rows))
        prepared = upload(data)
        with CaptureQueriesContext(connection) as captured:
            run(prepared)
        return len(captured)

    assert queries(1200) == queries(2400) < 30


# --- check -----------------------------------------------------------------------------------------------------


def test_a_check_counts_exactly_and_writes_no_contact() -> None:
    friends = ContactList.objects.create(name="Friends")
    Contact.objects.create(phone="+33612345678", name="Old")
    run(upload("phone,name\n0612345679,Same\n"))
    before = versions()
    data = "phone,name\n0612345678,New\n0612345679,Same\n0612345680,Three\n0612345680,Three\nnobody,x\n"
    prepared = upload(data, contact_list=friends)
    checked = check(prepared)
    assert checked.status == Status.CHECKED
    assert counts(checked) == {"created": 1, "updated": 1, "unchanged": 1, "duplicate": 1, "rejected": 1}
    assert versions() == before
    assert not Membership.objects.exists()
    assert [row[0] for row in rejected_rows(checked)] == ["line", "6"]
    assert counts(run(checked)) == {"created": 1, "updated": 1, "unchanged": 1, "duplicate": 1, "rejected": 1}
    assert versions() != before


_cell = st.sampled_from(["", "a", "b", "ä", '"', "x,y"])
_row = st.tuples(st.sampled_from(["0612345678", "+33612345679", "06 12 34 56 80", "12", ""]), _cell, _cell)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(_row, max_size=4), rows=st.lists(_row.filter(any), min_size=1, max_size=8))
def test_a_file_does_what_its_rows_do_one_after_the_other(
    before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
) -> None:
    def file(*lines: tuple[str, ...]) -> ContactImport:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("phone", "name", "city"), *lines])
        prepared = upload(text.getvalue())
        set_mapping(upload=prepared, mapping={"phone": "phone", "name": "name", "city": "attribute:city"})
        return prepared

    def contacts() -> list[Any]:
        return list(Contact.objects.order_by("phone").values_list("phone", "name", "attributes"))

    def start() -> None:
        Contact.objects.all().delete()
        for row in filter(any, before):
            run(file(row))

    start()
    for row in rows:
        run(file(row))
    expected = contacts()
    start()
    expected_counts = counts(check(file(*rows)))
    assert counts(run(file(*rows))) == expected_counts
    assert contacts() == expected
    assert set(counts(run(file(*rows)))) <= {"unchanged", "duplicate", "rejected"}


# --- rejected rows ---------------------------------------------------------------------------------------------


def test_rejected_rows_come_back_with_line_reason_and_their_cells() -> None:
    done = run(upload("Phone,Name\n0612345678,Ann\n12,Bea\n0612345679\nnobody,Cid\n"))
    assert counts(done) == {"created": 1, "rejected": 3}
    header, *rows = rejected_rows(done)
    assert header == ["line", "reason", "message", "Phone", "Name"]
    assert [(row[0], row[1], row[3:]) for row in rows] == [
        ("3", "too_short", ["12", "Bea"]),
        ("4", "fields", ["0612345679"]),
        ("5", "not_a_number", ["nobody", "Cid"]),
    ]
    assert all(row[2].endswith(".") for row in rows)


def test_cells_that_a_spreadsheet_would_run_are_made_harmless() -> None:
    done = run(upload('Phone,"=Name"\n+1,"=HYPERLINK(""http://evil"")"\n-2,@SUM(A1)\nx,"\t=1"\n'))
    header, *rows = rejected_rows(done)
    assert header[3:] == ["Phone", "'=Name"]
    assert [row[3:] for row in rows] == [
        ["'+1", '\'=HYPERLINK("http://evil")'],
        ["'-2", "'@SUM(A1)"],
        ["x", "'\t=1"],
    ]


def test_a_corrected_file_of_rejected_rows_can_be_imported_as_it_is() -> None:
    done = run(upload("Phone,Name\n+336123,Ann\n"))
    with done.rejected_file.open("rb") as file:
        corrected = file.read().replace(b"+336123", b"+33612345678")
    assert counts(run(upload(corrected, country=""))) == {"created": 1}
    assert Contact.objects.get().attributes == {}


def test_beyond_a_bound_rejected_rows_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "KEPT", 2)
    done = run(upload("phone\n" + "none\n" * 5))
    assert counts(done) == {"rejected": 5}
    assert len(rejected_rows(done)) == 3


@pytest.mark.django_db(transaction=True)
def test_the_file_of_an_earlier_check_is_replaced(media: Path) -> None:
    done = run(check(check(upload("phone\nnone\n"))))
    assert [path.name for path in (media / "imports/rejected").iterdir()] == [Path(str(done.rejected_file.name)).name]
    assert default_storage.exists(str(done.rejected_file.name))


# --- mapping ---------------------------------------------------------------------------------------------------


def test_the_mapping_can_be_changed_and_a_bad_one_is_refused() -> None:
    prepared = check(upload(PEOPLE))
    with pytest.raises(ImportProblem, match="No column is the phone number"):
        set_mapping(upload=prepared, mapping={"Name": "name"})
    assert prepared.status == Status.CHECKED
    set_mapping(upload=prepared, mapping={"Phone": "phone", "City": "name"})
    prepared.refresh_from_db()
    assert (prepared.status, prepared.created_count) == (Status.UPLOADED, 0)
    assert prepared.mapping == {"Phone": "phone", "Name": "ignore", "City": "name"}
    assert counts(run(prepared)) == {"created": 2}
    assert Contact.objects.get(phone="+33612345678").name == "Lyon"


def test_without_a_column_of_phones_nothing_starts() -> None:
    prepared = upload("Name,Town\nAnn,Lyon\n")
    with pytest.raises(ImportProblem, match="No column is the phone number"):
        run(prepared)
    prepared.refresh_from_db()
    assert prepared.status == Status.UPLOADED


def test_a_finished_import_cannot_be_mapped_anew_or_checked() -> None:
    done = run(upload(PEOPLE))
    for change in (lambda: set_mapping(upload=done, mapping=done.mapping), lambda: check(done)):
        with pytest.raises(ImportProblem, match="This import is finished"):
            change()
