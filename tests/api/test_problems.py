"""Every refusal is a problem document that says what to do, and none shows the inside."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from contacts.api.views import ContactViewSet
from smshub.api.problems import TITLES
from tests.api.conftest import System, is_problem
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


def test_a_wrong_field_is_named_by_a_pointer(shop: System) -> None:
    answer = shop.post("contacts", {"phone": "12", "attributes": {"a/b": ["x"]}})

    assert is_problem(answer, 400, "validation-error")
    errors = {error["pointer"]: error for error in answer.body["errors"]}
    assert set(errors) == {"/phone", "/attributes/a~1b"}
    assert "too short" in errors["/phone"]["detail"]
    assert errors["/phone"]["code"] == "too_short"


def test_one_error_is_told_in_the_detail_too(shop: System) -> None:
    answer = shop.post("contacts", {})

    assert answer.body["detail"] == answer.body["errors"][0]["detail"] == "This field is required."


def test_an_unknown_field_is_refused_with_the_nearest_name(shop: System) -> None:
    answer = shop.post("contacts", {"phone": "+14155550123", "langauge": "en"})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"] == [
        {"pointer": "/langauge", "detail": "There is no such field. Did you mean “language”?", "code": "unknown"}
    ]


def test_a_field_that_cannot_be_written_is_refused(shop: System) -> None:
    answer = shop.post("lists", {"name": "Friends", "size": 5})

    assert answer.body["errors"][0]["detail"] == "This field cannot be written."


def test_an_unknown_parameter_is_refused_with_the_nearest_name(shop: System) -> None:
    answer = shop.get("contacts?contry=FR")

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"] == [
        {
            "parameter": "contry",
            "detail": "There is no such parameter. Did you mean “country”?",
            "code": "invalid",
        }
    ]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("page_size=0", "page_size"),
        ("page_size=501", "page_size"),
        ("page_size=many", "page_size"),
        ("page_size=%D9%A3", "page_size"),
        ("cursor=x", "cursor"),
        ("cursor=cD1hYmM%3D", "cursor"),
        ("cursor=%00", "cursor"),
        ("phone=12", "phone"),
        ("phone=%00", "phone"),
        ("list=x", "list"),
        ("list=1.5", "list"),
        ("list=99999999999999999999999", "list"),
        ("updated_since=yesterday", "updated_since"),
    ],
)
def test_a_wrong_parameter_is_named(shop: System, query: str, parameter: str) -> None:
    answer = shop.get(f"contacts?{query}")

    assert is_problem(answer, 400, "validation-error")
    assert [error["parameter"] for error in answer.body["errors"]] == [parameter]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b'{"phone": NaN}',
        b'{"attributes": {"n": 1e999}}',
        b'{"attributes": {"n": 1' + b"0" * 5000 + b"}}",
        b'{"attributes": ' + b'{"a":' * 100 + b"1" + b"}" * 101,
        b'{"attributes": ' + b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_json_is_refused(shop: System, body: bytes) -> None:
    assert is_problem(shop.post("contacts", body), 400, "malformed-body")


@pytest.mark.parametrize("odd", [r"\u0000", r"\ud800", r"\udc00x", r"a\u0000b"])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"phone": "+14155550123", "name": "%s"}', "/name"),
        ('{"phone": "%s"}', "/phone"),
        ('{"phone": "+14155550123", "attributes": {"doctor": "%s"}}', "/attributes/doctor"),
        ('{"phone": "+14155550123", "attributes": {"%s": "x"}}', "/attributes"),
        ('{"%s": 1}', ""),
    ],
)
def test_text_that_cannot_be_stored_is_refused(shop: System, body: str, pointer: str, odd: str) -> None:
    answer = shop.post("contacts", body % odd)

    assert is_problem(answer, 400, "validation-error")
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_large_body_is_refused(shop: System) -> None:
    assert is_problem(shop.post("contacts", {"name": "x" * 1000}), 413, "body-too-large")


def test_a_body_in_chunks_is_refused_rather_than_ignored(shop: System) -> None:
    assert is_problem(shop.post("contacts", {}, Transfer_Encoding="chunked"), 411, "length-required")


def test_another_kind_of_body_is_refused(shop: System) -> None:
    answer = shop.client.post(
        "/api/v1/contacts", "phone=1", "text/plain", headers={"Authorization": f"Bearer {shop.text}"}
    )

    assert is_problem(answer, 415, "unsupported-media-type")


def test_only_json_can_be_had(shop: System) -> None:
    assert is_problem(shop.get("contacts", Accept="text/csv"), 406, "not-acceptable")


@pytest.mark.parametrize(
    "path", ["contacts/999999999", "contacts/999999999999999999", f"messages/{'0' * 8}-{'0000-' * 3}{'0' * 12}"]
)
def test_an_unknown_id_is_not_found(shop: System, path: str) -> None:
    assert is_problem(shop.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["", "contact", "contacts/", "contacts/abc", "contacts/%00", "contacts/٣", "messages/7"]
)
def test_an_unknown_address_is_not_found(shop: System, path: str) -> None:
    assert is_problem(shop.get(path), 404, "not-found")
    assert is_problem(Client(enforce_csrf_checks=True).post(f"/api/v1/{path}"), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "contacts"), ("PUT", "contacts/1"), ("OPTIONS", "contacts")])
def test_another_method_is_refused(shop: System, method: str, path: str) -> None:
    answer = shop(method, path)

    assert is_problem(answer, 405, "method-not-allowed")


def test_a_fault_of_ours_shows_nothing_of_the_inside(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret of +14155550123")

    monkeypatch.setattr(ContactViewSet, "list", fails)
    shop.client.raise_request_exception = False

    answer = shop.get("contacts")

    assert is_problem(answer, 500, "internal-error")
    assert "secret" not in answer.content.decode()


def test_a_problem_names_its_request(shop: System) -> None:
    first, second = shop.get("contacts/999999999"), shop.get("contacts/999999999")

    assert first.body["request_id"] != second.body["request_id"]


@pytest.mark.django_db(transaction=True)
def test_two_that_make_the_same_at_once_end_in_a_conflict(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.api.serializers import ListSerializer

    shop.post("lists", {"name": "Friends"})
    # The check that would have refused it is passed, as by the second of two requests at once.
    monkeypatch.setattr(ListSerializer, "get_fields", _without_validators(ListSerializer.get_fields))

    answer = shop.post("lists", {"name": "Friends"})

    assert is_problem(answer, 409, "already-exists")


def _without_validators(get_fields: Any) -> Any:
    def fields(self: Any) -> Any:
        found = get_fields(self)
        found["name"].validators = []
        return found

    return fields


def test_pages_go_all_the_way_and_back(shop: System) -> None:
    ids = [ContactFactory().pk for _ in range(7)]
    seen: list[int] = []
    path = "contacts?page_size=3"
    while path:
        page = shop.get(path).body
        assert set(page) == {"next", "previous", "results"}
        seen += [contact["id"] for contact in page["results"]]
        path = page["next"] and page["next"].partition("/api/v1/")[2]

    assert seen == ids[::-1]
    back = shop.get(page["previous"].partition("/api/v1/")[2]).body
    assert [contact["id"] for contact in back["results"]] == ids[::-1][3:6]


def test_answers_are_json_with_the_usual_headers(shop: System) -> None:
    answer = shop.get("contacts")

    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["results"] == []


def test_every_kind_of_problem_is_documented() -> None:
    documentation = (Path(__file__).parents[2] / "docs" / "api-problems.md").read_text()

    assert set(re.findall(r"^\| `/problems/([a-z-]+)`", documentation, re.MULTILINE)) == set(TITLES)
