"""Business hours, threads, and what staff do with a conversation."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.appointments.items import Item
from campaigns.appointments.upsert import upsert
from campaigns.conversations import automatic, desk, threads
from campaigns.conversations.desk import Author, CannotReply
from campaigns.models import Conversation, ConversationReply
from contacts.models import Contact
from tests.campaigns.talking import Clinic, as_it_is, said_to
from tests.conversation_factories import AutoReplyFactory
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def ada() -> Contact:
    return ContactFactory(language="en", country="US")


MONDAY = datetime.fromisoformat("2026-06-01T12:00:00+00:00")


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (MONDAY, True),
        (MONDAY.replace(hour=3), False),
        (MONDAY.replace(day=6), False),
        # Whit Monday, a holiday in all of Germany, was 25 May.
        (MONDAY - timedelta(days=7), False),
    ],
)
def test_business_hours_are_local_and_know_the_holidays(at: datetime, is_open: bool) -> None:
    reply = AutoReplyFactory(time_zone="Europe/Berlin", country="DE", holidays="none")
    reply.refresh_from_db()
    assert automatic.is_open(reply, at) == is_open


def test_who_writes_outside_business_hours_is_told_once_a_day(clinic: Clinic, ada: Contact) -> None:
    AutoReplyFactory(
        sender=clinic.sender,
        weekday_from=None,
        weekday_until=None,
        saturday_from="00:00",
        saturday_until="00:01",
        open_texts={},
        closed_texts={"en": "We are closed.", "es": "Cerrado."},
    )

    for _ in range(3):
        conversation = clinic.hears(ada, "Are you there?")
    assert said_to(ada) == ["We are closed."]

    Conversation.objects.update(away_said_at=timezone.now() - timedelta(hours=25))
    clinic.hears(ada, "Hello?")
    assert said_to(ada) == ["We are closed."] * 2
    assert conversation.unread


def test_staff_answer_and_the_thread_shows_both_sides_once(clinic: Clinic, ada: Contact) -> None:
    clinic.asks(ada)
    conversation = clinic.hears(ada, "Can I bring my dog?")

    desk.reply(conversation, body="Yes, please.", author=Author("grace"))

    conversation.refresh_from_db()
    assert not conversation.unread
    newest, question, _reminder = threads.page(conversation).texts
    assert (newest.body, newest.author, newest.is_inbound) == ("Yes, please.", "grace", False)
    assert (question.body, question.is_inbound) == ("Can I bring my dog?", True)


def test_a_thread_is_read_in_pages_that_leave_nothing_out(clinic: Clinic, ada: Contact) -> None:
    for number in range(7):
        conversation = clinic.hears(ada, f"Text {number}")
    seen: list[str | None] = []
    before = None
    while True:
        page = threads.page(conversation, before=before, limit=3)
        seen += [text.body for text in page.texts]
        before = page.before
        if before is None:
            break
    assert seen == [f"Text {number}" for number in reversed(range(7))]


def test_staff_cannot_answer_whoever_has_opted_out(clinic: Clinic, ada: Contact) -> None:
    conversation = clinic.hears(ada, "Hello")
    assert desk.opt_out(conversation, author=Author("grace"))
    with pytest.raises(CannotReply, match="suppression list"):
        desk.reply(conversation, body="Hello?", author=Author("grace"))
    assert not ConversationReply.objects.exists()


def test_a_closed_conversation_opens_when_they_write_again(clinic: Clinic, ada: Contact) -> None:
    conversation = clinic.hears(ada, "Hello")
    desk.close(conversation)
    assert clinic.hears(ada, "Hello again").status == Conversation.Status.OPEN


def test_an_unread_text_costs_a_fixed_number_of_queries(
    clinic: Clinic, ada: Contact, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(5):
        clinic.asks(ada)
    with django_assert_max_num_queries(40):
        clinic.hears(ada, "Where are you?")


def test_a_source_that_has_not_heard_of_a_cancellation_does_not_undo_it(clinic: Clinic, ada: Contact) -> None:
    reminder = clinic.asks(ada)
    appointment = reminder.appointment
    booked = Item(appointment.external_id, appointment.starts_at, appointment.time_zone, ada.pk, kind="visit")
    clinic.hears(ada, "2")

    list(upsert([booked]))
    assert as_it_is(reminder).status == "cancelled"

    # It hears of it, and books the same hour anew.
    list(upsert([replace(booked, status="cancelled")]))
    list(upsert([booked]))
    assert as_it_is(reminder).status == "booked"
