"""Files of contacts over the API: uploaded, looked at, corrected, imported by a worker."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.importing import run
from contacts.models import Contact, ContactImport
from tests.api.conftest import System, is_problem
from tests.factories import ContactListFactory

PEOPLE = b"Mobile;Full name;Doctor\n+14155550123;Ada Byron;Dr Okafor\n12;Bob;Dr Wu\n"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def upload(shop: System, content: bytes = PEOPLE, **fields: Any) -> Any:
    headers = {"Authorization": f"Bearer {shop.text}"}
    headers |= {"Idempotency-Key": key} if (key := fields.pop("key", "")) else {}
    file = SimpleUploadedFile("people.csv", content, "text/csv")
    answer: Any = shop.client.post("/api/v1/imports", {"file": file, **fields}, headers=headers)
    answer.body = answer.json()
    return answer


@pytest.mark.django_db
def test_an_uploaded_file_is_understood_and_not_yet_imported(shop: System) -> None:
    friends = ContactListFactory()

    answer = upload(shop, list=friends.pk, default_country="US")

    assert answer.status_code == 201
    assert (answer.body["status"], answer.body["list"], answer.body["delimiter"]) == ("uploaded", friends.pk, ";")
    assert answer.body["mapping"] == {"Mobile": "phone", "Full name": "name", "Doctor": "attribute:doctor"}
    assert not Contact.objects.exists()
    columns = shop.get(f"imports/{answer.body['id']}/columns").body
    assert columns["samples"][0] == ["+14155550123", "Ada Byron", "Dr Okafor"]


@pytest.mark.django_db
def test_the_mapping_is_corrected(shop: System) -> None:
    path = f"imports/{upload(shop).body['id']}"

    answer = shop.patch(path, {"mapping": {"Mobile": "phone", "Doctor": "ignore"}})
    assert answer.body["mapping"] == {"Mobile": "phone", "Full name": "ignore", "Doctor": "ignore"}
    wrong = shop.patch(path, {"mapping": {"Mobile": "name"}})
    assert is_problem(wrong, 400, "validation-error")
    assert wrong.body["errors"][0]["pointer"] == "/mapping"


@pytest.mark.django_db
def test_the_country_is_corrected(shop: System) -> None:
    french = upload(shop, b"Nummer;Name\n0612345678;Ann\n", default_country="US")
    path = f"imports/{french.body['id']}"

    answer = shop.patch(path, {"default_country": "FR"})
    assert (answer.body["default_country"], answer.body["mapping"]["Nummer"]) == ("FR", "phone")
    wrong = shop.patch(path, {"default_country": "XX"})
    assert is_problem(wrong, 400, "validation-error")
    assert wrong.body["errors"][0]["pointer"] == "/default_country"


@pytest.mark.django_db
def test_a_started_import_ends_with_contacts_and_the_refused_rows(
    shop: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = upload(shop).body["id"]
    started = shop.post(f"imports/{upload_id}/start")
    assert (started.status_code, started.body["status"]) == (202, "importing")
    assert is_problem(shop.post(f"imports/{upload_id}/start"), 409, "wrong-state")
    assert is_problem(shop.patch(f"imports/{upload_id}", {"mapping": {"Mobile": "phone"}}), 409, "wrong-state")


@pytest.mark.django_db(transaction=True)
def test_the_refused_rows_can_be_had(shop: System) -> None:
    upload_id = upload(shop).body["id"]
    assert is_problem(shop.get(f"imports/{upload_id}/rejected"), 404, "not-found")
    run.run(ContactImport.objects.get(pk=upload_id))

    answer = shop.get(f"imports/{upload_id}").body
    assert (answer["status"], answer["created_count"], answer["rejected_count"]) == ("done", 1, 1)
    file = shop.client.get(f"/api/v1/imports/{upload_id}/rejected", headers={"Authorization": f"Bearer {shop.text}"})
    assert file["Content-Type"].startswith("text/csv")
    assert b"Bob" in b"".join(file.streaming_content)


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(50), b"%PDF-1.7 nothing here"])
def test_a_file_that_is_not_csv_is_refused(shop: System, content: bytes) -> None:
    answer = upload(shop, content)

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/file"
    assert not ContactImport.objects.exists()


@pytest.mark.django_db
def test_an_upload_is_idempotent_by_its_content(shop: System) -> None:
    first, again = upload(shop, key="a"), upload(shop, key="a")

    assert first.body == again.body
    assert is_problem(upload(shop, PEOPLE + b"x", key="a"), 422, "idempotency-key-reused")
    assert ContactImport.objects.count() == 1


@pytest.mark.django_db
def test_an_upload_must_be_a_form_with_known_fields(shop: System) -> None:
    assert is_problem(shop.post("imports", {"file": "x"}), 415, "unsupported-media-type")
    assert is_problem(upload(shop, lists=1), 400, "validation-error")
    assert is_problem(upload(shop, list="x"), 400, "validation-error")
    assert is_problem(upload(shop, default_country="XX"), 400, "validation-error")
