"""Single messages as a system sees them: sent, followed, cancelled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from delivery.models import Message
from tests.api.conftest import System, is_problem
from tests.factories import (
    CampaignFactory,
    InboundFactory,
    MessageEventFactory,
    MessageFactory,
    SenderFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sender")]

ADA = "+14155550123"


def test_a_text_is_queued(shop: System, sender: Any) -> None:
    answer = shop.post("messages", {"to": "(415) 555-0123", "body": "Your table is ready."})

    assert answer.status_code == 201
    message = answer.body
    assert (message["to"], message["status"], message["lane"]) == (ADA, "queued", "transactional")
    assert (message["campaign"], message["contact"], message["sender"]["id"]) == (None, None, sender.pk)
    assert (message["encoding"], message["segments"]) == ("gsm7", 1)
    assert shop.get(f"messages/{message['id']}").body["body"] == "Your table is ready."


def test_a_template_is_filled_in(shop: System) -> None:
    version = TemplateVersionFactory(body="Hi {{ first_name }}, it’s {{ code }}")

    answer = shop.post(
        "messages",
        {"to": ADA, "template": version.template_id, "variables": {"first_name": "Ada", "code": 4829}, "lane": "alert"},
    )

    assert answer.status_code == 201
    assert answer.body["body"] == "Hi Ada, it's 4829"
    assert answer.body["lane"] == "alert"


def test_a_missing_variable_is_named(shop: System) -> None:
    version = TemplateVersionFactory(body="{{ code }}")

    answer = shop.post("messages", {"to": ADA, "template": version.template_id, "variables": {"cod": "1"}})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/variables"
    assert answer.body["detail"] == "The template needs “code”. Did you mean “cod”?"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": ADA}, ""),
        ({"to": ADA, "body": "x", "template": 1}, ""),
        ({"to": ADA, "body": "x", "variables": {}}, "/variables"),
        ({"to": "12", "body": "x"}, "/to"),
        ({"body": "x"}, "/to"),
        ({"to": ADA, "body": "x" * 1601}, "/body"),
        ({"to": ADA, "body": ""}, "/body"),
        ({"to": ADA, "body": "x", "valid_for": 5}, "/valid_for"),
        ({"to": ADA, "body": "x", "send_at": "tomorrow"}, "/send_at"),
        ({"to": ADA, "body": "x", "sender": 999_999_999}, "/sender"),
        ({"to": ADA, "body": "x", "lane": "express"}, "/lane"),
        ({"to": ADA, "text": "x"}, "/text"),
    ],
)
def test_a_wrong_message_is_refused_and_nothing_is_queued(shop: System, body: Any, pointer: str) -> None:
    TemplateVersionFactory(template__pk=1)

    answer = shop.post("messages", body)

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == pointer
    assert not Message.objects.exists()


def test_a_suppressed_number_gets_a_message_that_says_so(shop: System) -> None:
    SuppressionFactory(phone=ADA)

    message = shop.post("messages", {"to": ADA, "body": "x"}).body

    assert (message["status"], message["reason"]) == ("suppressed", "opted_out")
    explanation = shop.get(f"messages/{message['id']}").body["explanation"]
    assert explanation["reason"] == "Opted out"


def test_a_later_message_is_held_and_its_validity_counts_from_then(shop: System) -> None:
    at = timezone.now() + timedelta(hours=1)

    message = shop.post("messages", {"to": ADA, "body": "x", "send_at": at.isoformat(), "valid_for": 600}).body

    assert message["status"] == "held"
    assert parse_datetime(message["valid_until"]) == at + timedelta(minutes=10)


def test_a_sender_that_is_off_is_refused(shop: System) -> None:
    off = SenderFactory(enabled=False)

    answer = shop.post("messages", {"to": ADA, "body": "x", "sender": off.pk})

    assert is_problem(answer, 400, "validation-error")
    assert "switched off" in answer.body["detail"]


def test_a_message_tells_its_story_in_order_and_in_words(shop: System) -> None:
    message = MessageFactory(status="undelivered", reason="landline", error_code="30006")
    now = timezone.now()
    MessageEventFactory(message=message, at=now, status="undelivered", reason="landline", code="30006")
    MessageEventFactory(message=message, at=now - timedelta(seconds=3), status="accepted", source="provider")

    answer = shop.get(f"messages/{message.pk}")

    assert [event["status"] for event in answer.body["events"]] == ["accepted", "undelivered"]
    assert answer.body["events"][0]["meaning"] == "The provider took it."
    explanation = answer.body["explanation"]
    assert explanation["status"] == "The carrier could not deliver it."
    assert (explanation["reason"], explanation["advice"]) == ("A landline", "Ask for a mobile number.")


def test_a_waiting_message_is_cancelled_and_a_sent_one_is_not(shop: System) -> None:
    waiting, sent = MessageFactory(status="queued"), MessageFactory(status="sent")

    assert shop.post(f"messages/{waiting.pk}/cancel").body["status"] == "cancelled"
    answer = shop.post(f"messages/{sent.pk}/cancel")
    assert is_problem(answer, 409, "wrong-state")
    assert answer.body["message_status"] == "sent"


def test_messages_are_found_by_campaign_status_recipient_and_time(shop: System) -> None:
    CampaignFactory(pk=7, launched_at=datetime.now(UTC))
    CampaignFactory(pk=8)
    first = MessageFactory(campaign_id=7, contact_id=1, status="delivered", recipient=ADA)
    second = MessageFactory(status="failed")

    def found(query: str) -> list[str]:
        return [message["id"] for message in shop.get(f"messages?{query}").body["results"]]

    assert found("") == [str(second.pk), str(first.pk)]
    assert found("campaign=7") == [str(first.pk)]
    assert found("campaign=8") == found("campaign=9") == found(f"campaign={2**62}") == []
    assert found("status=failed") == [str(second.pk)]
    assert found("recipient=%2B14155550123") == [str(first.pk)]
    now = datetime.now(UTC)
    hour_ago, soon = (
        (now + shift).strftime("%Y-%m-%dT%H:%M:%SZ") for shift in (-timedelta(hours=1), timedelta(hours=1))
    )
    assert len(found(f"created_from={hour_ago}&created_before={soon}")) == 2
    assert found(f"created_from={soon}") == []
    assert found(f"created_before={hour_ago}") == []
    assert found("created_from=2020-01-01T00:00:00%2B20:00") == [str(second.pk), str(first.pk)]
    assert is_problem(shop.get("messages?created_from=0001-01-01T00:00:00%2B20:00"), 400, "validation-error")
    assert found("created_from=0001-01-01T00:00:00Z&created_before=9999-12-31T23:59:59Z") == [
        str(second.pk),
        str(first.pk),
    ]


def test_a_text_that_is_no_longer_kept_is_null(shop: System) -> None:
    message = MessageFactory(status="delivered")
    Message.objects.filter(pk=message.pk).update(sealed_body=None)

    assert shop.get(f"messages/{message.pk}").body["body"] is None
    assert shop.get("messages").body["results"][0]["body"] is None


def test_time_bounds_are_answered_from_the_primary_key() -> None:
    from delivery.api.filters import MessageFilters

    early = datetime(2026, 1, 1, tzinfo=UTC)
    queryset = MessageFilters({"created_before": early.isoformat()}, queryset=Message.objects.order_by("-id")).qs
    condition = str(queryset.query).partition("WHERE")[2]

    assert '"id" < ' in condition


def test_senders_and_texts_received_are_listed(shop: System, sender: Any) -> None:
    InboundFactory(phone=ADA, body="STOP", keyword="stop")
    InboundFactory()

    assert [row["address"] for row in shop.get("senders").body["results"] if row["is_default"]] == [sender.address]
    assert shop.get(f"senders/{sender.pk}").body["provider"] == sender.provider.name
    texts = shop.get(f"inbound?phone={ADA}&keyword=stop").body["results"]
    assert [(text["phone"], text["body"], text["keyword"]) for text in texts] == [(ADA, "STOP", "stop")]
    assert shop.get(f"inbound/{texts[0]['id']}").body == texts[0]
