"""Whose messages a key sees: its own alone, or all of the hub's."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from delivery.models import Message, MessageRequest
from smshub.api import keys
from smshub.api.models import ApiKey
from tests.api.conftest import Caller, System, is_problem
from tests.factories import AdministratorFactory, DefaultSenderFactory, MessageFactory

pytestmark = pytest.mark.django_db

ADA = "+14155550123"
MESSAGES = ("messages:read", "messages:write")


@pytest.fixture
def shop(system: Caller) -> System:
    DefaultSenderFactory()
    return system(*MESSAGES)


def sends(who: System, **more: Any) -> str:
    answer = who.post("messages", {"to": ADA, "body": "x"} | more)
    assert answer.status_code == 201, answer.body
    return str(answer.body["id"])


def found(answer: Any) -> set[str]:
    return {message["id"] for message in answer.body["results"]}


@pytest.fixture
def others(shop: System, system: Caller) -> list[str]:
    """Of another key, of a trial, of nobody."""
    trial = System(*MESSAGES)
    trial.key, trial.text = keys.issue(name="Trial", scopes=MESSAGES, actor=None, mode="test")
    named: dict[str, Any] = {"client_reference": "A-1", "metadata": {"shop": "Elm Street"}}
    return [sends(system(*MESSAGES), **named), sends(trial, **named), str(MessageFactory(recipient=ADA).pk)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda shop, pk: shop.get(f"messages/{pk}"),
        lambda shop, pk: shop.post(f"messages/{pk}/cancel"),
        lambda shop, pk: shop.post(f"messages/{pk}/redact"),
    ],
    ids=["fetch", "cancel", "redact"],
)
def test_others_are_as_if_there_were_none(shop: System, others: list[str], ask: Callable[[System, str], Any]) -> None:
    before = list(Message.objects.order_by("pk").values_list("pk", "status", "sealed_body"))
    for other in others:
        assert is_problem(ask(shop, other), 404, "not-found")
    assert list(Message.objects.order_by("pk").values_list("pk", "status", "sealed_body")) == before


def test_its_own_are_fetched_with_their_timeline_cancelled_and_redacted(shop: System, others: list[str]) -> None:
    own = sends(shop)
    assert "events" in shop.get(f"messages/{own}").body
    assert shop.post(f"messages/{own}/cancel").body["status"] == "cancelled"
    assert shop.post(f"messages/{own}/redact").status_code == 200


def test_its_lists_have_its_own_alone_whatever_is_looked_for(shop: System, others: list[str]) -> None:
    own = sends(shop, client_reference="A-1", metadata={"shop": "Elm Street"})

    for query in (
        "",
        "?client_reference=A-1",
        "?metadata=shop:Elm Street",
        "?status=queued",
        "?recipient=%2B14155550123",
    ):
        assert found(shop.get(f"messages{query}")) == {own}, query
    for asked in ({"to": ADA}, {"client_reference": "A-1"}, {"metadata": {"shop": "Elm Street"}}):
        assert found(shop.post("messages/search", asked)) == {own}, asked


def test_pages_of_its_own_go_on_to_the_last(shop: System, system: Caller) -> None:
    other = system(*MESSAGES)
    own = [(sends(shop), sends(other))[0] for _ in range(5)]
    path, seen = "messages?page_size=2", list[str]()
    while path:
        page = shop.get(path).body
        seen += [message["id"] for message in page["results"]]
        path = (page["next"] or "").partition("/api/v1/")[2]
    assert seen == own[::-1]


def test_one_that_also_sees_what_the_hub_sends_sees_all_but_trials(shop: System, others: list[str]) -> None:
    for scope in ("campaigns:read", "appointments:read", "reminders:read", "conversations:read"):
        assert found(System("messages:read", scope).get("messages")) == {others[0], others[2]}


def test_which_it_sees_may_be_said(shop: System, others: list[str]) -> None:
    everything, _ = keys.issue(name="Back office", scopes=["messages:read"], actor=None, own_messages=False)
    nothing, _ = keys.issue(name="Shop", scopes=["*"], actor=None, own_messages=True)
    trial, _ = keys.issue(name="Trial", scopes=["*"], actor=None, own_messages=False, mode="test")
    assert [key.own_messages for key in (everything, nothing, trial)] == [False, True, True]
    assert shop.get("whoami").body["own_messages"] is True

    ApiKey.objects.filter(pk=shop.key.pk).update(own_messages=False)
    assert found(shop.get("messages")) == {others[0], others[2]}


@pytest.mark.parametrize(
    ("option", "sees_own"), [([], True), (["--own-messages"], True), (["--no-own-messages"], False)]
)
def test_the_command_says_it(option: list[str], sees_own: bool) -> None:
    call_command("create_api_key", "Shop", "--scope", "messages:*", *option, stdout=StringIO())
    assert ApiKey.objects.get().own_messages is sees_own


@pytest.mark.parametrize(("chosen", "sees_own"), [("", True), ("true", True), ("false", False)])
def test_an_administrator_says_it_and_changes_it(chosen: str, sees_own: bool) -> None:
    client = Client()
    client.force_login(AdministratorFactory())
    client.post("/admin/api/apikey/add/", {"name": "Shop", "scopes": list(MESSAGES), "own_messages": chosen})
    key = ApiKey.objects.get()
    assert key.own_messages is sees_own

    change = {"name": "Shop", "allowed_from": ""} | ({} if sees_own else {"own_messages": "on"})
    client.post(f"/admin/api/apikey/{key.pk}/change/", change)
    key.refresh_from_db()
    assert key.own_messages is not sees_own


def test_a_page_of_its_own_is_read_by_index_among_those_of_many(shop: System) -> None:
    first = Message.objects.get(pk=sends(shop))
    way: dict[str, Any] = {"sender_id": first.sender_id, "provider_id": first.provider_id}
    many = [Message(recipient=ADA, sealed_body=b"", **way) for _ in range(3000)]
    Message.objects.bulk_create(many)
    MessageRequest.objects.bulk_create(MessageRequest(message=message, api_key_id=10**9) for message in many)
    sends(shop)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")
        cursor.execute("ANALYZE delivery_messagerequest")
    with CaptureQueriesContext(connection) as queries:
        assert len(shop.get("messages").body["results"]) == 2
    (page,) = [query["sql"] for query in queries if "ORDER BY" in query["sql"] and "delivery_message" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE) {page}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Rows Removed" not in plan, plan
