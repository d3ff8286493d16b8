"""Importing a file as staff do: what it shows, what is chosen, what is done, and taking it back."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.importing import run, work
from contacts.models import Contact, ContactImport, ContactList
from tests import factories
from tests.admin.conftest import at_the_keyboard

FILE = "Phone,Full name,Clinic\n+14155550123,Ada Byron,Elm Street\nnonsense,Bob,Elm Street\n"


def upload(client: Client, text: str = FILE, *, new_list: str = "") -> ContactImport | None:
    file = SimpleUploadedFile("people.csv", text.encode(), "text/csv")
    given = {"file": file, "default_country": "US", "contact_list": "", "new_list": new_list}
    client.post("/admin/contacts/contactimport/add/", given)
    return ContactImport.objects.first()


def page_of(client: Client, imported: ContactImport) -> str:
    return client.get(f"/admin/contacts/contactimport/{imported.pk}/change/").content.decode()


def test_an_upload_shows_its_columns_with_samples_and_a_guess(staff: Client) -> None:
    imported = upload(staff)
    assert imported is not None

    html = page_of(staff, imported)

    assert "Ada Byron" in html
    assert re.findall(r'value="([^"]+)"\s+selected', html) == ["US", "phone", "name", "attribute:clinic"]
    assert not Contact.objects.exists()


def test_a_list_that_is_named_there_is_made_when_the_import_is_started(staff: Client) -> None:
    given_up = upload(staff, new_list="Fair")
    assert given_up is not None
    assert "onto the new list Fair" in page_of(staff, given_up)
    assert not ContactList.objects.exists()

    imported = upload(staff, new_list="Fair")
    assert imported is not None
    assert imported != given_up
    run.run(imported)
    fair = ContactList.objects.get(name="Fair")
    assert (imported.contact_list, fair.size) == (fair, 1)

    # By now it is somebody's list
    upload(staff, new_list="Fair")
    assert ContactImport.objects.count() == 2


def test_another_country_reads_the_numbers_anew(staff: Client) -> None:
    # Given French numbers, in which nobody finds a number of the United States
    imported = upload(staff, "Nummer,Name\n06 12 34 56 78,Ann\n06 12 34 56 79,Bea\n")
    assert imported is not None
    assert "phone" not in imported.mapping.values()
    assert ">France</option>" in page_of(staff, imported)
    step = f"/admin/contacts/contactimport/{imported.pk}/map/"

    # When France is chosen, with the columns as they were
    as_they_were = {f"column-{at}": imported.mapping[name] for at, name in enumerate(imported.header)}
    staff.post(step, as_they_were | {"default_country": "FR", "do": "read"})

    imported.refresh_from_db()
    assert (imported.default_country, imported.mapping) == ("FR", {"Nummer": "phone", "Name": "name"})

    # And columns that are chosen with it are kept
    staff.post(step, {"column-0": "phone", "column-1": "ignore", "default_country": "BE"})
    imported.refresh_from_db()
    assert (imported.default_country, imported.mapping) == ("BE", {"Nummer": "phone", "Name": "ignore"})


def test_a_first_line_that_is_a_person_in_another_country_is_no_header_there(staff: Client) -> None:
    imported = upload(staff, "06 12 34 56 78,Ann\n06 12 34 56 79,Bea\n")
    assert imported is not None
    assert imported.header == ["06 12 34 56 78", "Ann"]

    staff.post(
        f"/admin/contacts/contactimport/{imported.pk}/map/",
        {"column-0": "phone", "column-1": "name", "default_country": "FR"},
    )

    imported.refresh_from_db()
    assert imported.mapping == {"Column 1": "phone", "Column 2": "name"}
    assert run.run(imported).created_count == 2


def test_where_and_when_everyone_agreed_is_said_beside_the_columns(staff: Client) -> None:
    # Given a file whose upload said nothing of it
    imported = upload(staff)
    assert imported is not None
    step = f"/admin/contacts/contactimport/{imported.pk}/map/"
    columns = {"column-0": "phone", "column-1": "name"}

    # Then a place alone stops it, and stays to be completed
    answer = staff.post(
        step, columns | {"consent_source": "Form <5>", "consent_at": "", "do": "check"}, follow=True
    ).content.decode()
    assert "but not when" in answer
    assert 'value="Form &lt;5&gt;"' in answer

    # And no date that is none is kept
    answer = staff.post(step, columns | {"consent_source": "Form", "consent_at": "soon"}, follow=True).content.decode()
    assert "The date of consent is not one" in answer

    # And with a day, all is kept and shown
    staff.post(step, columns | {"consent_source": "Form <5>", "consent_at": "2026-05-03"})
    imported.refresh_from_db()
    assert (imported.consent_source, f"{imported.consent_at:%F %R %Z}") == ("Form <5>", "2026-05-03 00:00 UTC")
    html = page_of(staff, imported)
    assert 'value="Form &lt;5&gt;"' in html
    assert 'value="2026-05-03"' in html


def test_no_country_of_an_import_is_made_up(staff: Client) -> None:
    imported = upload(staff)
    assert imported is not None
    answer = staff.post(
        f"/admin/contacts/contactimport/{imported.pk}/map/", {"column-0": "phone", "default_country": "XX"}, follow=True
    )
    assert "The default country is not a known one" in answer.content.decode()
    imported.refresh_from_db()
    assert imported.default_country == "US"


def test_a_file_that_cannot_be_read_leaves_no_list_behind(staff: Client) -> None:
    upload(staff, "\x89PNG\x00\x00", new_list="Fair")
    assert not ContactList.objects.exists()


def test_a_file_that_is_none_is_refused_with_a_reason(staff: Client) -> None:
    file = SimpleUploadedFile("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "text/csv")

    answer = staff.post("/admin/contacts/contactimport/add/", {"file": file, "default_country": ""})

    assert answer.status_code == 200
    assert not ContactImport.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_trying_and_importing(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a worker that is away: the test does its work
    monkeypatch.setattr(run, "wake", lambda import_id, status: None)
    imported = upload(staff)
    assert imported is not None
    step = f"/admin/contacts/contactimport/{imported.pk}/map/"
    columns = {"column-0": "phone", "column-1": "name", "column-2": "attribute:clinic"}

    staff.post(step, columns | {"do": "check"})
    imported.refresh_from_db()
    assert imported.status == ContactImport.Status.CHECKING
    work.proceed(import_id=imported.pk, status=ContactImport.Status.CHECKING)
    html = page_of(staff, imported)
    assert "would be" in html
    assert "import-progress" not in html, "nothing is imported yet"
    assert "This is not a phone number" in html
    assert not Contact.objects.exists()

    staff.post(step, columns | {"do": "run"})
    work.proceed(import_id=imported.pk, status=ContactImport.Status.IMPORTING)
    assert Contact.objects.get().attributes == {"clinic": "Elm Street"}
    done = staff.get(f"/admin/contacts/contactimport/{imported.pk}/progress/")
    assert done["HX-Refresh"] == "true"
    rejected = b"".join(staff.get(f"/admin/contacts/contactimport/{imported.pk}/rejected.csv").streaming_content)  # type: ignore[arg-type]
    assert b"nonsense" in rejected


def test_a_mapping_without_a_number_does_not_start(staff: Client) -> None:
    imported = upload(staff)
    assert imported is not None

    answer = staff.post(
        f"/admin/contacts/contactimport/{imported.pk}/map/", {"column-1": "name", "do": "run"}, follow=True
    )

    assert "No column is the phone number" in answer.content.decode()
    imported.refresh_from_db()
    assert imported.status == ContactImport.Status.UPLOADED


# --- undoing an import ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_import_is_undone_from_its_page(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an import that is done, and a worker that is away: the test does its work
    monkeypatch.setattr(run, "wake", lambda import_id, status: None)
    imported = upload(staff)
    assert imported is not None
    run.run(imported)
    below = f"/admin/contacts/contactimport/{imported.pk}/undo/"
    assert below in page_of(staff, imported)
    assert "taken away" in staff.get(below).content.decode()
    assert Contact.objects.exists()

    # When staff say so
    staff.post(below)
    assert "Being undone" in page_of(staff, imported)
    work.proceed(import_id=imported.pk, status=ContactImport.Status.UNDOING)

    # Then the page says what became of it, and offers nothing more
    seen = page_of(staff, imported)
    assert "Taken away again" in seen
    assert below not in seen
    assert not Contact.objects.exists()
    assert "Only a finished import" in staff.post(below, follow=True).content.decode()


def test_who_may_not_delete_contacts_cannot_undo_an_import(db: None) -> None:
    user = factories.UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__endswith="contactimport"))
    imported = factories.ContactImportFactory(status=ContactImport.Status.DONE)

    assert at_the_keyboard(user).post(f"/admin/contacts/contactimport/{imported.pk}/undo/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_opt_outs_of_rows_that_are_left_out_are_told(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "wake", lambda import_id, status: None)
    imported = upload(staff, "Phone,Language,Opted out\n+33612345678,fr,\n+33612345679,nonsense?,yes\n")
    assert imported is not None
    run.set_mapping(upload=imported, mapping={"Phone": "phone", "Language": "language", "Opted out": "opted_out"})
    run.run(imported)

    seen = page_of(staff, imported)
    assert "with one row that is left out" in seen
    assert "Their opt-out is taken all the same." in seen
    assert "may be texted again" in staff.get(f"/admin/contacts/contactimport/{imported.pk}/undo/").content.decode()
