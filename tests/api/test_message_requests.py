"""What a caller says of its message, and finding messages by it; local times; dry runs; redaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from delivery.lanes import Lane
from delivery.models import AllowedHours, Message, MessageRequest, Place
from tests.api.conftest import System, is_problem
from tests.factories import (
    ContactFactory,
    MessageFactory,
    PriceFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sender")]

ADA = "+14155550123"
BERLIN, LONDON = "+4915112345678", "+447400123456"


def send(shop: System, **more: Any) -> Any:
    return shop.post("messages", {"to": ADA, "body": "x"} | more)


def test_what_the_caller_says_is_told_again(shop: System) -> None:
    said = {"client_reference": "order-4711", "metadata": {"shop": "Elm Street", "total": 12.5, "new": True}}

    sent = send(shop, **said, status_webhook="https://shop.example/hook").body

    assert {name: sent[name] for name in said} == said
    told = shop.get(f"messages/{sent['id']}").body
    assert {name: told[name] for name in said} == said
    assert told["status_webhook"] == "https://shop.example/hook"
    assert shop.get("messages").body["results"][0]["metadata"] == said["metadata"]


def test_a_campaigns_message_has_nothing_of_it(shop: System) -> None:
    message = MessageFactory()

    told = shop.get(f"messages/{message.pk}").body

    assert (told["metadata"], told["client_reference"], told["status_webhook"]) == ({}, "", "")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"metadata": {f"n{n}": 1 for n in range(21)}}, "/metadata"),
        ({"metadata": {f"n{n}": "ü" * 200 for n in range(20)}}, "/metadata"),
        ({"metadata": {"a": None}}, "/metadata/a"),
        ({"metadata": {"a:b": 1}}, "/metadata/a:b"),
        ({"metadata": {"a": {"b": 1}}}, "/metadata/a"),
        ({"metadata": []}, "/metadata"),
        ({"client_reference": "x" * 101}, "/client_reference"),
        ({"status_webhook": "ftp://shop.example/"}, "/status_webhook"),
        ({"status_webhook": "https://"}, "/status_webhook"),
        ({"status_webhook": "https://shop.example:99999/"}, "/status_webhook"),
        ({"status_webhook": "https://shop.example/\r\nX: y"}, "/status_webhook"),
        ({"status_webhook": f"https://shop.example/{'x' * 500}"}, "/status_webhook"),
        ({"send_at_local": "2030-12-01T09:00Z"}, "/send_at_local"),
        ({"send_at_local": "nine"}, "/send_at_local"),
        ({"send_at_local": "9999-12-31T23:59"}, "/send_at_local"),
        ({"send_at_local": "0001-01-01T00:00"}, "/send_at_local"),
        ({"send_at": "9999-12-31T23:59:59Z", "valid_for": 600_000}, "/send_at"),
    ],
)
def test_what_cannot_be_kept_is_refused(shop: System, fields: Any, pointer: str) -> None:
    answer = send(shop, **fields)

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == pointer
    assert not Message.objects.exists()


def found(shop: System, **asked: Any) -> list[str]:
    return [message["id"] for message in shop.post("messages/search", asked).body["results"]]


def test_messages_are_found_by_what_stands_in_the_body(shop: System) -> None:
    first = send(shop, client_reference="a", metadata={"order": "4711", "vip": True}).body["id"]
    second = send(shop, to=LONDON, lane="alert", metadata={"order": 4711}).body["id"]
    MessageFactory(status="failed", recipient=LONDON)

    assert found(shop, to="(415) 555-0123") == [first]
    assert found(shop, to=LONDON, lane="alert") == found(shop, lane="alert") == [second]
    assert found(shop, client_reference="a") == found(shop, metadata={"vip": True}) == [first]
    assert found(shop, metadata={"order": "4711"}) == [second, first]
    assert found(shop, metadata={"order": "4711"}, status="queued", to=ADA) == [first]
    assert found(shop, metadata={"order": "471"}) == found(shop, campaign=9) == []
    hour = (timezone.now() - timedelta(hours=1)).isoformat()
    assert found(shop, client_reference="a", created_from=hour) == [first]
    assert found(shop, client_reference="a", created_before=hour) == []
    by_address = shop.get("messages?metadata=order:4711&lane=transactional").body["results"]
    assert [message["id"] for message in by_address] == [first]
    assert is_problem(shop.get("messages?metadata=order"), 400, "validation-error")
    assert is_problem(shop.post("messages/search", {"metadata": {"a": 1, "b": 2}}), 400, "validation-error")


def test_pages_of_a_search_go_on_without_the_number_in_an_address(shop: System) -> None:
    sent = [send(shop).body["id"] for _ in range(3)]

    page = shop.post("messages/search?page_size=2", {"to": ADA}).body
    assert "4155550123" not in page["next"]
    rest = shop.post(page["next"].partition("/api/v1/")[2], {"to": ADA}).body

    assert [message["id"] for message in page["results"] + rest["results"]] == sent[::-1]
    assert rest["next"] is None


def test_to_search_is_to_read(system: Any) -> None:
    assert system("messages:read").post("messages/search", {}).status_code == 200
    assert is_problem(system("messages:write").post("messages/search", {}), 403, "missing-scope")


def test_a_local_time_is_the_recipients(shop: System) -> None:
    year = timezone.now().year + (1 if timezone.now().month > 6 else 0)
    at = f"{year}-01-15T09:00" if timezone.now() < datetime(year, 1, 14, tzinfo=UTC) else f"{year}-07-15T09:00"
    winter = at[5:7] == "01"
    ContactFactory(phone=LONDON, time_zone="Asia/Tokyo")

    berlin, tokyo = (send(shop, to=to, send_at_local=at, valid_for=600).body for to in (BERLIN, LONDON))

    day = at[:10]
    assert berlin["not_before"] == f"{day}T0{8 if winter else 7}:00:00Z"
    assert tokyo["not_before"] == f"{day}T00:00:00Z"
    assert parse_datetime(tokyo["valid_until"]) == parse_datetime(tokyo["not_before"]) + timedelta(minutes=10)
    assert tokyo["status"] == "held"


def test_a_local_time_that_is_not_one_moment_is_refused_in_words(shop: System) -> None:
    toll_free = "+18005550123"

    answer = send(shop, to=toll_free, send_at_local=(timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT09:00"))

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/send_at_local"
    assert "several time zones" in answer.body["detail"]


def test_a_dry_run_says_what_would_become_of_each_and_writes_nothing(shop: System, sender: Any, settings: Any) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    PriceFactory(provider=sender.provider, country="DE", per_segment="0.05")
    never = {f"{day}_{end}": None for day in ("weekday", "saturday", "sunday") for end in ("from", "until")}
    AllowedHours.objects.update_or_create(country="GB", state="", defaults=never)
    SuppressionFactory(phone=ADA)
    version = TemplateVersionFactory(body="Grüße, {{ name }} 🙂", smart_encoding=False)
    messages = [
        {"to": BERLIN, "template": version.template_id, "variables": {"name": "Ada " * 20}},
        {"to": ADA, "body": "x"},
        {"to": LONDON, "body": "x", "lane": "bulk"},
        {"to": "12", "body": "x"},
        {"to": BERLIN, "template": version.template_id},
    ]

    answer = shop.post("messages/dry-run", {"messages": messages})

    assert answer.status_code == 200
    berlin, ada, london, wrong, missing = answer.body["results"]
    assert (berlin["encoding"], berlin["segments"], berlin["cost"]) == ("ucs2", 2, "0.10000")
    assert (berlin["status"], berlin["country"], berlin["sender"]) == ("queued", "DE", sender.address)
    assert (berlin["provider"], answer.body["currency"]) == (sender.provider.name, "USD")
    assert (ada["status"], ada["reason"], ada["cost"]) == ("suppressed", "opted_out", "0.00000")
    assert london["status"] in ("held", "suppressed")
    assert "quiet_hours" in (london["waits_for"], london["reason"])
    assert wrong["error"]["errors"][0]["pointer"] == "/to"
    assert missing["error"]["errors"][0]["pointer"] == "/variables"
    assert not Message.objects.exists()
    assert not MessageRequest.objects.exists()
    assert not Place.objects.exists()


def test_a_dry_run_takes_a_hundred_at_most_in_as_many_queries_as_one(shop: System) -> None:
    many = [{"to": f"+1415555{1000 + n}", "body": "x"} for n in range(101)]
    shop.get("whoami")

    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(shop.post("messages/dry-run", {"messages": many[:number]}).body["results"]) == number
        return len(captured)

    assert is_problem(shop.post("messages/dry-run", {"messages": many}), 400, "validation-error")
    assert queries(2) == queries(100)


def test_a_text_is_emptied_on_request_once_its_message_is_at_its_end(shop: System) -> None:
    message = send(shop, metadata={"order": "4711"}).body

    assert is_problem(shop.post(f"messages/{message['id']}/redact"), 409, "wrong-state")
    shop.post(f"messages/{message['id']}/cancel")
    redacted = shop.post(f"messages/{message['id']}/redact").body

    assert (redacted["body"], redacted["metadata"], redacted["status"]) == (None, {}, "cancelled")
    assert shop.post(f"messages/{message['id']}/redact").status_code == 200
    assert Message.objects.get().lane == Lane.TRANSACTIONAL
