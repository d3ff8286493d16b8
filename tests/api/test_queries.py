"""A list costs the same number of queries however long it is, and never counts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delivery.models import Sender
from tests.api.conftest import System
from tests.conversation_factories import ConversationFactory
from tests.factories import (
    CampaignFactory,
    ConsentEventFactory,
    ContactFactory,
    ContactImportFactory,
    ContactListFactory,
    ErasureFactory,
    InboundFactory,
    MessageEventFactory,
    MessageFactory,
    PriceFactory,
    ProviderHealthFactory,
    RouteFactory,
    SenderFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)
from tests.reminder_factories import CalendarFeedFactory, PlanFactory, ReminderFactory, StaffTaskFactory

pytestmark = pytest.mark.django_db


def campaign() -> None:
    CampaignFactory(include=ContactListFactory.create_batch(2), exclude=[ContactListFactory()], sender=SenderFactory())


#: Path: what makes a row of it, and how many queries a page takes. One of each is for the key.
LISTS: dict[str, tuple[Callable[[], Any], int]] = {
    "contacts": (ContactFactory, 2),
    "lists": (ContactListFactory, 2),
    "imports": (ContactImportFactory, 2),
    "suppressions": (SuppressionFactory, 2),
    "consents": (ConsentEventFactory, 2),
    "erasures": (ErasureFactory, 2),
    "templates": (TemplateVersionFactory, 3),
    "campaigns": (campaign, 5),
    "messages": (MessageFactory, 2),
    "senders": (SenderFactory, 2),
    "routes": (RouteFactory, 2),
    "providers": (ProviderHealthFactory, 2),
    "inbound": (InboundFactory, 2),
    "conversations": (ConversationFactory, 2),
    "plans": (PlanFactory, 2),
    "tasks": (StaffTaskFactory, 2),
    "calendar-feeds": (CalendarFeedFactory, 2),
    # The page; the texts of its rules; who said stop, where they are, the allowed hours; and twice the time.
    "reminders/upcoming": (ReminderFactory, 8),
}


@pytest.mark.parametrize("path", LISTS)
def test_a_page_takes_a_constant_number_of_queries(shop: System, path: str, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    make, expected = LISTS[path]
    shop.get(path)  # that a key reads people is written down once in an hour
    for rows in (2, 5):
        for _ in range(rows):
            make()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = shop.get(path)
        assert len(page.body["results"]) >= rows
        statements = [query["sql"] for query in queries]
        assert len(statements) == expected, statements
        assert not any("COUNT(" in statement.upper() for statement in statements)


def test_members_and_one_message_take_a_constant_number_too(shop: System) -> None:
    friends = ContactListFactory(contacts=ContactFactory.create_batch(5))
    message = MessageFactory()
    for _ in range(5):
        MessageEventFactory(message=message)
    for path in (f"lists/{friends.pk}/members", f"messages/{message.pk}"):
        shop.get(path)

    with CaptureQueriesContext(connection) as members:
        assert len(shop.get(f"lists/{friends.pk}/members").body["results"]) == 5
    with CaptureQueriesContext(connection) as one:
        assert len(shop.get(f"messages/{message.pk}").body["events"]) == 5

    assert (len(members), len(one)) == (3, 4)


def test_a_text_takes_a_dozen_statements_whatever_there_is_set_up(shop: System, sender: Sender) -> None:
    """The key; the Idempotency-Key, before and after; the time, who said stop, routes, prices; the message and its
    caller's words; and a transaction around them."""
    RouteFactory(country="GB")
    for country in ("", "US", "GB"):
        PriceFactory(provider=sender.provider, country=country)
    shop.get("whoami")

    with CaptureQueriesContext(connection) as queries:
        answer = shop.post("messages", {"to": "+14155550123", "body": "x"}, Idempotency_Key="once")

    assert answer.body["sender"] == {"id": sender.pk, "address": sender.address}
    assert len(queries) == 11, [query["sql"] for query in queries]
