"""Many messages in one request: each has its own answer, and under a key the whole is done once."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from campaigns.api import batches, many
from campaigns.models import LinkedMessage
from delivery import submit
from delivery.models import Message, MessageRequest
from smshub.api.models import IdempotencyRecord
from tests.api.conftest import System, is_problem
from tests.factories import SenderFactory, SuppressionFactory, TemplateVersionFactory
from tests.link_factories import LinkFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sender")]


def to(n: int) -> str:
    return f"+1415555{1000 + n}"


def texts(number: int, **more: Any) -> list[dict[str, Any]]:
    return [{"to": to(n), "body": f"Text {n}"} | more for n in range(number)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CHUNK", 3)


def test_each_is_answered_by_its_place_and_a_wrong_one_keeps_no_other_back(shop: System) -> None:
    SuppressionFactory(phone=to(2))
    off = SenderFactory(enabled=False)
    messages = [
        *texts(1),
        {"to": "12", "body": "x"},
        {"to": to(2), "body": "x"},
        "not a message",
        {"to": to(4), "body": "x", "sender": off.pk},
        {"to": to(5), "body": "x", "sender": 999_999},
        {"to": to(6), "text": "x"},
    ]

    answer = shop.post("messages/batch", {"messages": messages})

    assert answer.status_code == 200
    assert (answer.body["accepted"], answer.body["refused"]) == (2, 5)
    results = answer.body["results"]
    assert [result["index"] for result in results] == list(range(7))
    assert (results[0]["status"], results[2]["status"], results[2]["reason"]) == ("queued", "suppressed", "opted_out")
    wrong = [results[n]["error"]["errors"][0] for n in (1, 3, 4, 5, 6)]
    assert [error["pointer"] for error in wrong] == ["/to", "", "", "/sender", "/text"]
    assert "switched off" in results[4]["error"]["detail"]
    assert results[1]["error"]["type"] == "/problems/validation-error"
    assert {str(pk) for pk in Message.objects.values_list("pk", flat=True)} == {results[0]["id"], results[2]["id"]}


def test_what_is_given_for_all_holds_for_those_that_say_nothing_else(shop: System) -> None:
    version = TemplateVersionFactory(body="{{ greeting }} {{ name }}")
    defaults = {
        "template": version.template_id,
        "variables": {"greeting": "Hi"},
        "lane": "alert",
        "metadata": {"shop": "Elm Street", "day": 3},
    }
    messages = [
        {"to": to(0), "variables": {"name": "Ada"}},
        {"to": to(1), "variables": {"greeting": "Dear", "name": "Bob"}, "lane": "bulk", "metadata": {"day": 4}},
        {"to": to(2), "body": "Plain"},
    ]

    results = shop.post("messages/batch", {"defaults": defaults, "messages": messages}).body["results"]

    rows = [Message.objects.get(pk=result["id"]) for result in results]
    assert [(row.body, row.lane) for row in rows] == [("Hi Ada", 0), ("Dear Bob", 3), ("Plain", 0)]
    assert rows[1].request.metadata == {"shop": "Elm Street", "day": 4}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/messages"),
        ({"messages": []}, "/messages"),
        ({"messages": [{}] * 10_001}, "/messages"),
        ({"messages": texts(1), "defaults": {"lane": "express"}}, "/defaults/lane"),
        ({"messages": texts(1), "defaults": {"to": "+14155550123"}}, "/defaults/to"),
        ({"messages": texts(1), "default": {}}, "/default"),
    ],
)
def test_what_is_wrong_with_all_of_it_is_said_once(shop: System, body: Any, pointer: str) -> None:
    answer = shop.post("messages/batch", body)

    assert is_problem(answer, 400, "validation-error")
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
    assert not Message.objects.exists()


def test_all_or_nothing_writes_nothing_if_one_is_wrong_and_says_which(shop: System, small_chunks: None) -> None:
    messages = texts(8)
    messages[6]["to"] = "12"

    answer = shop.post("messages/batch", {"messages": messages, "all_or_nothing": True}, Idempotency_Key="a")

    assert is_problem(answer, 400, "validation-error")
    assert [error["pointer"] for error in answer.body["errors"]] == ["/messages/6/to"]
    assert not Message.objects.exists()
    assert not IdempotencyRecord.objects.exists()

    messages[6]["to"] = to(6)
    answer = shop.post("messages/batch", {"messages": messages, "all_or_nothing": True}, Idempotency_Key="a")
    assert (answer.status_code, answer.body["accepted"], Message.objects.count()) == (200, 8, 8)


def test_the_same_batch_again_has_the_same_answer_and_no_message(shop: System, small_chunks: None) -> None:
    body = {"messages": [*texts(7), {"to": "12", "body": "x"}]}
    first = shop.post("messages/batch", body, Idempotency_Key="a")
    again = shop.post("messages/batch", body, Idempotency_Key="a")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.body == first.body
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Message.objects.count() == 7

    assert is_problem(
        shop.post("messages/batch", {"messages": texts(1)}, Idempotency_Key="a"), 422, "idempotency-key-reused"
    )
    assert is_problem(shop.post("lists", {"name": "Friends"}, Idempotency_Key="a"), 422, "idempotency-key-reused")
    shop.post("lists", {"name": "Friends"}, Idempotency_Key="b")
    assert is_problem(shop.post("messages/batch", body, Idempotency_Key="b"), 422, "idempotency-key-reused")


class Away:
    """A database that goes away at the nth chunk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        self.really = submit.submit_each
        monkeypatch.setattr(submit, "submit_each", self)

    def __call__(self, drafts: Any) -> Any:
        self.left -= 1
        if not self.left:
            raise OperationalError("away")
        return self.really(drafts)


def test_cut_short_it_says_so_and_the_same_request_finishes_it(
    shop: System, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"messages": texts(8)}
    Away(monkeypatch, at=3)

    answer = shop.post("messages/batch", body, Idempotency_Key="a")
    assert is_problem(answer, 503, "unfinished")
    assert answer["Retry-After"]
    begun = set(Message.objects.values_list("pk", flat=True))
    assert len(begun) == 6

    answer = shop.post("messages/batch", body, Idempotency_Key="a")
    assert (answer.status_code, answer.body["accepted"]) == (200, 8)
    assert {result["id"] for result in answer.body["results"]} > {str(pk) for pk in begun}
    assert sorted(Message.objects.values_list("recipient", flat=True)) == [to(n) for n in range(8)]
    assert shop.post("messages/batch", body, Idempotency_Key="a").body == answer.body


def test_cut_short_without_a_key_it_says_what_is_done(
    shop: System, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Away(monkeypatch, at=2)

    answer = shop.post("messages/batch", {"messages": texts(8)})

    assert is_problem(answer, 503, "unfinished")
    assert [result["index"] for result in answer.body["results"]] == [0, 1, 2]
    assert Message.objects.count() == 3


def test_a_fault_before_the_first_is_no_half_thing(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    Away(monkeypatch, at=1)
    shop.client.raise_request_exception = False

    assert is_problem(shop.post("messages/batch", {"messages": texts(2)}, Idempotency_Key="a"), 500, "internal-error")
    assert not Message.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_a_chunk_takes_as_many_queries_for_many_as_for_few(shop: System) -> None:
    version = TemplateVersionFactory(body="Hi {{ name }}")
    named = SenderFactory()

    def queries(number: int) -> int:
        messages = texts(number, metadata={"n": 1}) + [
            {"to": to(n), "template": version.template_id, "variables": {"name": n}, "sender": named.pk}
            for n in range(number)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert shop.post("messages/batch", {"messages": messages}).body["accepted"] == 2 * number
        return len(captured)

    shop.get("whoami")
    assert queries(1) == queries(100)


def test_links_take_as_many_queries_for_many_as_for_few_and_each_has_its_own(shop: System) -> None:
    version = TemplateVersionFactory(body="{{ link }} or {{ links.map }}")
    LinkFactory(campaign=None, template=version.template, target="https://example.org/?order={{ order }}")
    LinkFactory(campaign=None, template=version.template, name="map")

    def queries(number: int) -> int:
        defaults = {"template": version.template_id}
        messages = [{"to": to(n), "variables": {"order": n}} for n in range(number)]
        with CaptureQueriesContext(connection) as captured:
            answer = shop.post("messages/batch", {"defaults": defaults, "messages": messages})
        assert answer.body["accepted"] == number
        return len(captured)

    shop.get("whoami")
    assert queries(1) == queries(100)

    assert LinkedMessage.objects.count() == 2 * Message.objects.count() == 202
    assert len({message.body for message in Message.objects.all()}) == 101


def test_who_may_not_be_texted_has_no_link(shop: System) -> None:
    version = TemplateVersionFactory(body="{{ link }}")
    LinkFactory(campaign=None, template=version.template)
    SuppressionFactory(phone=to(0))
    messages = [{"to": to(n), "template": version.template_id} for n in range(2)]

    shop.post("messages/batch", {"messages": messages})

    assert LinkedMessage.objects.get().message_id == Message.objects.get(recipient=to(1)).pk


def test_a_dry_run_shows_a_link_as_long_as_any_and_writes_none(shop: System) -> None:
    version = TemplateVersionFactory(body="Your order: {{ link }}")
    LinkFactory(campaign=None, template=version.template, target="https://example.org/?order={{ order }}")
    one = {"to": to(0), "template": version.template_id, "variables": {"order": 7}}

    [foreseen] = shop.post("messages/dry-run", {"messages": [one]}).body["results"]

    assert not LinkedMessage.objects.exists()
    shop.post("messages", one)
    assert len(foreseen["body"]) == len(Message.objects.get().body or "")


def test_only_this_address_takes_a_large_body(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    padding = "x" * 6_000_000
    assert is_problem(shop.post("messages", {"to": padding}), 413, "body-too-large")
    answer = shop.post("messages/batch", {"messages": [{"to": padding, "body": "x"}, *texts(1)]})
    assert (answer.status_code, answer.body["accepted"], answer.body["refused"]) == (200, 1, 1)

    too_large = json.dumps({"messages": [{"to": "x" * many.MAX_BATCH_BYTES}]})
    assert is_problem(shop.post("messages/batch", too_large), 413, "body-too-large")


def test_a_batch_needs_the_scope_to_write(system: Any) -> None:
    answer = system("messages:read").post("messages/batch", {"messages": texts(1)})
    assert is_problem(answer, 403, "missing-scope")


def test_each_keeps_what_its_caller_said(shop: System) -> None:
    said = {"client_reference": "order-1", "metadata": {"a": "b"}, "status_webhook": "https://shop.example/hook"}
    (result,) = shop.post("messages/batch", {"messages": texts(1, **said)}).body["results"]

    kept = MessageRequest.objects.get(pk=result["id"])
    assert (kept.api_key_id, kept.metadata, kept.is_test) == (shop.key.pk, {"a": "b"}, False)
    assert (kept.client_reference, kept.status_webhook) == ("order-1", "https://shop.example/hook")
