"""What every address has in common: an id for each request, states that changes name, chosen fields, strict JSON."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException, ParseError, ValidationError

from contacts.models import Contact, ContactList
from smshub.api.parsers import StrictJSONParser
from tests.api.conftest import System, is_problem
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    MessageFactory,
    TemplateVersionFactory,
)
from tests.reminder_factories import ReminderFactory, ReminderRuleFactory

pytestmark = pytest.mark.django_db

#: Things that may be changed, and a change of each.
CHANGEABLE: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "contacts": (lambda: ContactFactory().pk, {"name": "Bob"}),
    "lists": (lambda: ContactListFactory().pk, {"name": "Foes"}),
    "templates": (lambda: TemplateVersionFactory().template_id, {"body": "Bye"}),
    "campaigns": (lambda: CampaignFactory(include=[ContactListFactory()]).pk, {"max_cost": "2.50"}),
    "appointments": (lambda: ReminderFactory().appointment_id, {"kind": "check-up"}),
    "reminder-rules": (lambda: ReminderRuleFactory().pk, {"name": "Later"}),
}


# --- Request-Id -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["whoami", "contacts/999999999", "nothing", "openapi.json", "contacts?x=1"])
def test_every_answer_has_the_id_that_a_problem_names(shop: System, path: str) -> None:
    answer = shop.get(path)

    assert str(UUID(answer["Request-Id"])) == answer["Request-Id"]
    if answer.status_code >= 400:
        assert answer.body["request_id"] == answer["Request-Id"]


def test_a_stranger_and_a_wrong_host_get_one_too() -> None:
    assert UUID(Client().get("/api/v1/contacts")["Request-Id"])
    assert UUID(Client().get("/api/v1/contacts", headers={"Host": "elsewhere.example"})["Request-Id"])


@pytest.mark.parametrize("given_id", ["5f0a8f0e-8f0b-4c39-8f0c-2d1f3f1f7a10", "5F0A8F0E8F0B4C398F0C2D1F3F1F7A10"])
def test_an_id_that_a_proxy_gave_is_kept(shop: System, given_id: str) -> None:
    assert UUID(shop.get("whoami", X_Request_Id=given_id)["Request-Id"]) == UUID(given_id)


@pytest.mark.parametrize("given_id", ["+14155550123", "ada", "", "5f0a8f0e8f0b-4c39-8f0c-2d1f3f1f7a10", "x" * 5000])
def test_what_is_no_uuid_is_not(shop: System, given_id: str) -> None:
    assert str(UUID(shop.get("whoami", X_Request_Id=given_id)["Request-Id"])) != given_id


# --- ETag and If-Match ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANGEABLE)
def test_a_change_of_the_state_that_was_seen_is_made_and_a_second_one_is_not(shop: System, kind: str) -> None:
    make, change = CHANGEABLE[kind]
    path = f"{kind}/{make()}"
    seen = shop.get(path)["ETag"]

    changed = shop.patch(path, change, If_Match=seen)

    assert changed.status_code == 200, changed.body
    assert changed["ETag"] != seen
    assert changed["ETag"] == shop.get(path)["ETag"]
    assert is_problem(shop.patch(path, change, If_Match=seen), 412, "precondition-failed")
    assert shop.get(path)["ETag"] == changed["ETag"]
    assert shop.patch(path, change, If_Match=f'"other", W/{changed["ETag"]}').status_code == 200


def test_deleting_asks_as_well(shop: System) -> None:
    friends = ContactListFactory()
    seen = shop.get(f"lists/{friends.pk}")["ETag"]
    ContactList.objects.filter(pk=friends.pk).update(description="People we know")

    assert is_problem(shop.delete(f"lists/{friends.pk}", If_Match=seen), 412, "precondition-failed")
    assert shop.delete(f"lists/{friends.pk}", If_Match="*").status_code == 204
    assert is_problem(shop.delete(f"lists/{friends.pk}", If_Match="*"), 404, "not-found")


def test_an_action_may_name_a_state_too(shop: System) -> None:
    message = MessageFactory()
    seen = shop.get(f"messages/{message.pk}")["ETag"]

    assert is_problem(shop.post(f"messages/{message.pk}/cancel", If_Match='"other"'), 412, "precondition-failed")
    assert shop.post(f"messages/{message.pk}/cancel", If_Match=seen).body["status"] == "cancelled"


def test_what_is_made_has_the_tag_that_it_is_found_with_also_when_the_answer_is_repeated(shop: System) -> None:
    body = {"phone": "+14155550123", "attributes": {"zeta": 1, "a": "ä"}}
    first, again = (shop.post("contacts", body, Idempotency_Key="once") for _ in range(2))

    assert again["Idempotent-Replayed"] == "true"
    assert first["ETag"] == again["ETag"] == shop.get(f"contacts/{first.body['id']}")["ETag"]


def test_a_repeated_request_gets_the_first_answer_though_the_state_is_another_by_then(shop: System) -> None:
    campaign = CampaignFactory()
    seen = shop.get(f"campaigns/{campaign.pk}")["ETag"]
    ask = {"If_Match": seen, "Idempotency_Key": "limit"}

    first = shop.post(f"campaigns/{campaign.pk}/limit", {"max_segments": 5}, **ask)
    again = shop.post(f"campaigns/{campaign.pk}/limit", {"max_segments": 5}, **ask)

    assert first.status_code == again.status_code
    assert first.body == again.body or is_problem(first, 409, "campaign-refused")


def test_whoever_has_a_state_already_is_sent_nothing(shop: System) -> None:
    path = f"contacts/{ContactFactory().pk}"
    seen = shop.get(path)["ETag"]

    answer = shop.get(path, If_None_Match=f"W/{seen}")

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", seen)
    assert shop.get(path, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize("header", ["abc", '"abc', '"a" "b"', ""])
def test_what_is_no_tag_is_refused(shop: System, header: str) -> None:
    assert is_problem(shop.patch(f"contacts/{ContactFactory().pk}", {}, If_Match=header), 400, "validation-error")


def test_a_state_belongs_to_one_thing(shop: System) -> None:
    assert is_problem(shop.post("contacts", {"phone": "+14155550123"}, If_Match="*"), 400, "validation-error")


def test_a_hub_may_ask_that_changes_name_a_state(shop: System, settings: Any) -> None:
    settings.API_REQUIRE_IF_MATCH = True
    path = f"contacts/{ContactFactory().pk}"

    assert is_problem(shop.patch(path, {"name": "Bob"}), 428, "precondition-required")
    assert is_problem(shop.delete(path), 428, "precondition-required")
    assert shop.patch(path, {"name": "Bob"}, If_Match=shop.get(path)["ETag"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_who_saw_the_same_one_changes_it(shop: System) -> None:
    from concurrent.futures import ThreadPoolExecutor

    contact = ContactFactory()
    path, seen = f"contacts/{contact.pk}", shop.get(f"contacts/{contact.pk}")["ETag"]

    def change(name: str) -> int:
        try:
            status: int = shop.patch(path, {"name": name}, If_Match=seen).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(change, ["A", "B", "C", "D"]))

    assert sorted(statuses) == [200, 412, 412, 412]
    assert Contact.objects.get(pk=contact.pk).name == "ABCD"[statuses.index(200)]


# --- chosen fields --------------------------------------------------------------------------------------------------


def test_only_the_fields_that_were_asked_for(shop: System) -> None:
    contact = ContactFactory(name="Ada")

    assert shop.get(f"contacts/{contact.pk}?fields=id,name").body == {"id": contact.pk, "name": "Ada"}
    page = shop.get("contacts?fields=name").body
    assert (set(page), page["results"]) == ({"next", "previous", "results"}, [{"name": "Ada"}])
    friends = ContactListFactory(contacts=[contact])
    assert shop.get(f"lists/{friends.pk}/members?fields=id").body["results"] == [{"id": contact.pk}]
    assert shop.get("whoami?fields=name").body == {"name": "Web shop"}


def test_the_tag_is_that_of_the_whole(shop: System) -> None:
    path = f"contacts/{ContactFactory().pk}"

    assert shop.get(f"{path}?fields=id")["ETag"] == shop.get(path)["ETag"]


@pytest.mark.parametrize("path", ["contacts", "messages", "campaigns", "inbound"])
def test_a_field_that_there_is_not_is_refused_also_on_an_empty_page(shop: System, path: str) -> None:
    answer = shop.get(f"{path}?fields=id,creatd_at")

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["parameter"] == "fields"
    assert "creatd_at" in answer.body["detail"]


def test_the_nearest_field_is_named_and_changes_have_no_such_parameter(shop: System) -> None:
    assert "Did you mean “language”?" in shop.get("contacts?fields=langauge").body["detail"]
    assert is_problem(shop.post("lists?fields=id", {"name": "x"}), 400, "validation-error")
    assert is_problem(shop.get("contacts?fields="), 400, "validation-error")


def test_a_parameter_that_stands_twice_is_refused(shop: System) -> None:
    answer = shop.get("contacts?country=FR&country=DE")

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"] == [{"parameter": "country", "detail": "Give it once.", "code": "invalid"}]


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ['{"phone": "+14155550123", "phone": "+14155550124"}', '{"attributes": {"a": 1, "b": 2, "a": 3}}']
)
def test_a_name_that_stands_twice_is_refused(shop: System, body: str) -> None:
    answer = shop.post("contacts", body)

    assert is_problem(answer, 400, "malformed-body")
    assert "twice" in answer.body["detail"]


def test_a_number_beyond_64_bits_is_refused_where_it_stands(shop: System) -> None:
    answer = shop.post("contacts", f'{{"phone": "+14155550123", "attributes": {{"n": {2**63}}}}}')

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/attributes/n"


_names = st.text(max_size=6)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=20,
)


class _Stream:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


def _parsed(content: bytes) -> Any:
    return StrictJSONParser().parse(_Stream(content))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_is_read_or_refused_in_words(content: bytes) -> None:
    with suppress(ParseError, ValidationError):
        assert isinstance(_parsed(content), dict)


@given(st.dictionaries(_names, _json, max_size=4))
def test_what_is_read_is_what_was_written_and_can_be_stored(data: dict[str, Any]) -> None:
    try:
        read = _parsed(json.dumps(data).encode())
    except APIException:
        return
    assert read == data
    assert all(abs(number) < 2**63 for number in _numbers(read))
    json.dumps(read, ensure_ascii=False).encode()


@given(st.dictionaries(_names.filter(bool), st.integers(0, 9), min_size=1, max_size=5), st.data())
def test_twins_are_found_wherever_they_stand(data: dict[str, int], draw: Any) -> None:
    pairs = [*data.items(), (draw.draw(st.sampled_from(sorted(data))), 0)]
    body = ", ".join(f"{json.dumps(name)}: {value}" for name, value in draw.draw(st.permutations(pairs)))

    for wrapped in (f"{{{body}}}", f'{{"inner": [{{{body}}}]}}'):
        with pytest.raises(APIException):
            _parsed(wrapped.encode())


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


# --- around it ------------------------------------------------------------------------------------------------------


def test_no_other_site_may_call_from_a_browser(shop: System) -> None:
    for method in ("GET", "OPTIONS"):
        answer = shop(method, "contacts", Origin="https://elsewhere.example", Access_Control_Request_Method="POST")
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_long_answers_are_compressed_and_their_tag_still_counts(shop: System) -> None:
    path = f"contacts/{ContactFactory(attributes={'note': 'x' * 1000}).pk}"

    answer = shop.client.get(
        f"/api/v1/{path}", headers={"Authorization": f"Bearer {shop.text}", "Accept-Encoding": "gzip"}
    )

    assert answer["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.content))["attributes"] == {"note": "x" * 1000}
    assert answer["ETag"].startswith("W/")
    assert shop.patch(path, {"name": "Bob"}, If_Match=answer["ETag"]).status_code == 200


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 1000}])
def test_it_speaks_english_whatever_language_is_asked_for(shop: System, body: dict[str, str]) -> None:
    english = shop.post("lists", body).body["detail"]

    with translation.override("de"):
        assert shop.post("lists", body).body["detail"] == english
