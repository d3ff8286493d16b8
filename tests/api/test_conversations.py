"""Conversations over HTTP."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Conversation, ConversationReply
from contacts.consent import is_suppressed
from delivery.models import Inbound, Message
from tests.api.conftest import Caller, System, is_problem
from tests.conversation_factories import ConversationFactory
from tests.factories import InboundFactory, MessageFactory, SenderFactory, UserFactory

pytestmark = pytest.mark.django_db
ADA = "+14155550123"


@pytest.fixture
def conversation() -> Conversation:
    made: Conversation = ConversationFactory(phone=ADA, unread=True, sender=SenderFactory())
    return made


def heard(conversation: Conversation, body: str) -> Inbound:
    made: Inbound = InboundFactory(
        provider=conversation.provider, phone=conversation.phone, recipient=conversation.address, body=body
    )
    return made


def test_the_newest_text_stands_first_and_filters_narrow(shop: System, conversation: Conversation) -> None:
    grace = UserFactory(username="grace")
    newer = ConversationFactory(last_text_at=timezone.now() + timedelta(hours=1), assigned_to=grace)
    older = ConversationFactory(last_text_at=timezone.now() - timedelta(hours=1), status="closed")

    def ids(query: str = "") -> list[int]:
        return [row["id"] for row in shop.get(f"conversations{query}").body["results"]]

    assert ids() == [newer.pk, conversation.pk, older.pk]
    assert ids("?unread=true") == [conversation.pk]
    assert ids("?status=closed") == [older.pk]
    assert ids("?assigned_to=grace") == [newer.pk]
    assert ids("?assigned_to=nobody") == [conversation.pk, older.pk]
    assert ids(f"?phone=%2B{ADA[1:]}") == [conversation.pk]
    assert is_problem(shop.get("conversations?unread=perhaps"), 400, "validation-error")
    assert is_problem(shop.get("conversations?read=true"), 400, "validation-error")


def test_pages_follow_the_last_text_and_leave_nothing_out(shop: System) -> None:
    at = timezone.now()
    made = [ConversationFactory(last_text_at=at - timedelta(minutes=number // 2)) for number in range(7)]
    seen: list[int] = []
    path = "conversations?page_size=2"
    while path:
        page = shop.get(path).body
        seen += [row["id"] for row in page["results"]]
        path = (page["next"] or "").partition("/api/v1/")[2]
    assert sorted(seen) == sorted(row.pk for row in made)


def test_its_texts_are_both_ways_in_pages(shop: System, conversation: Conversation) -> None:
    for number in range(30):
        heard(conversation, f"in {number}")
        MessageFactory(recipient=ADA, sender=conversation.sender, provider=conversation.provider, body=f"out {number}")
    MessageFactory(recipient=ADA, body="another sender's")

    first = shop.get(f"conversations/{conversation.pk}/texts").body
    second = shop.get(first["next"].partition("/api/v1/")[2]).body

    texts = first["results"] + second["results"]
    assert [text["body"] for text in texts] == [
        f"{way} {number}" for number in reversed(range(30)) for way in ("out", "in")
    ]
    assert second["next"] is None
    assert {text["direction"] for text in texts} == {"in", "out"}
    assert is_problem(shop.get(f"conversations/{conversation.pk}/texts?before=x"), 400, "validation-error")
    assert is_problem(shop.get(f"conversations?before={uuid4()}"), 400, "validation-error")


def test_a_page_of_texts_takes_a_constant_number_of_queries(shop: System, conversation: Conversation) -> None:
    shop.get(f"conversations/{conversation.pk}/texts")  # that a key reads people is written down once in an hour
    counts = set()
    for _ in range(2):
        for _ in range(3):
            heard(conversation, "Hello")
        with CaptureQueriesContext(connection) as queries:
            shop.get(f"conversations/{conversation.pk}/texts")
        counts.add(len(queries))
    assert len(counts) == 1


def test_a_reply_is_a_message_from_the_sender_that_was_written_to(shop: System, conversation: Conversation) -> None:
    answer = shop.post(f"conversations/{conversation.pk}/reply", {"body": "Yes, please."})

    assert (answer.status_code, answer.body["status"]) == (201, "queued")
    message = Message.objects.get()
    assert (message.recipient, message.sender, message.body) == (ADA, conversation.sender, "Yes, please.")
    assert ConversationReply.objects.get().author_label == "API key Web shop"
    assert not shop.get(f"conversations/{conversation.pk}").body["unread"]


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": "x" * 1601}, {"text": "Hello"}])
def test_a_reply_that_is_none_is_refused(shop: System, conversation: Conversation, body: dict[str, str]) -> None:
    assert is_problem(shop.post(f"conversations/{conversation.pk}/reply", body), 400, "validation-error")
    assert not Message.objects.exists()


def test_nobody_is_answered_who_may_not_be_texted(shop: System, conversation: Conversation) -> None:
    assert shop.post(f"conversations/{conversation.pk}/opt-out").body == {"changed": True}
    assert shop.post(f"conversations/{conversation.pk}/opt-out").body == {"changed": False}
    assert is_suppressed(ADA)
    assert is_problem(shop.post(f"conversations/{conversation.pk}/reply", {"body": "Hello"}), 409, "conflict")
    assert not Message.objects.exists()


def test_assigning_closing_and_marking(shop: System, conversation: Conversation) -> None:
    UserFactory(username="grace")
    path = f"conversations/{conversation.pk}"
    assert shop.post(f"{path}/assign", {"user": "grace"}).body["assigned_to"] == "grace"
    assert is_problem(shop.post(f"{path}/assign", {"user": "nobody we know"}), 400, "validation-error")
    assert shop.post(f"{path}/assign", {"user": None}).body["assigned_to"] is None
    assert shop.post(f"{path}/close").body["status"] == "closed"
    assert shop.post(f"{path}/reopen").body["status"] == "open"
    assert shop.post(f"{path}/mark", {"unread": True}).body["unread"] is True
    assert shop.post(f"{path}/mark", {}).body["unread"] is False


def test_reading_and_answering_are_scopes_of_their_own(system: Caller, conversation: Conversation) -> None:
    reader = system("conversations:read")
    assert reader.get("conversations").status_code == 200
    assert is_problem(reader.post(f"conversations/{conversation.pk}/close"), 403, "missing-scope")
    assert is_problem(system("messages:read").get("conversations"), 403, "missing-scope")
