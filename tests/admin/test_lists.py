"""Long lists: as many queries for fifty rows as for ten, no counting, found by what staff type."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from contacts.admin import base
from delivery.states import Status
from tests import factories
from tests.admin.conftest import at_the_keyboard
from tests.twilio_door.factories import TwilioLoginFactory


def somebody() -> User:
    """Without a password: hashing one takes longer than all the rest."""
    return User.objects.create(username=str(uuid4()))


def campaigns_with_messages() -> None:
    campaign = factories.CampaignFactory(status=Campaign.Status.RUNNING, audience_size=1)
    factories.MessageFactory(campaign_id=campaign.pk, contact_id=1)


ROWS: dict[str, Callable[[], Any]] = {
    "contacts_contact": factories.ContactFactory,
    "contacts_contactlist": factories.ContactListFactory,
    "contacts_contactimport": factories.ContactImportFactory,
    "contacts_suppression": lambda: factories.SuppressionFactory(created_by=somebody()),
    "contacts_consentevent": factories.ConsentEventFactory,
    "contacts_erasure": factories.ErasureFactory,
    "campaigns_template": factories.TemplateVersionFactory,
    "campaigns_campaign": campaigns_with_messages,
    "delivery_message": factories.MessageFactory,
    "delivery_inbound": factories.InboundFactory,
    "delivery_provider": factories.ProviderFactory,
    "delivery_sender": factories.SenderFactory,
    "api_apikey": lambda: factories.ApiKeyFactory(created_by=somebody()),
    "api_smpplogin": lambda: factories.SmppLoginFactory(created_by=somebody()),
    "api_twiliologin": lambda: TwilioLoginFactory(created_by=somebody()),
}


def queries(client: Client, page: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("model", ROWS)
def test_fifty_rows_cost_as_many_queries_as_ten(administrator: Client, model: str) -> None:
    page = reverse(f"admin:{model}_changelist")
    for _ in range(10):
        ROWS[model]()
    few = queries(administrator, page)
    for _ in range(40):
        ROWS[model]()

    assert len(queries(administrator, page)) == len(few)


@pytest.mark.parametrize("model", ["contacts_contact", "contacts_suppression", "delivery_message", "delivery_inbound"])
def test_what_may_be_millions_is_never_counted(administrator: Client, model: str) -> None:
    ROWS[model]()

    assert not [sql for sql in queries(administrator, reverse(f"admin:{model}_changelist")) if "COUNT(" in sql]


@pytest.mark.parametrize("typed", ["+14155550123", "(415) 555-0123", "+1415555", "ada", "Ada By"])
def test_a_contact_is_found_by_number_or_name(administrator: Client, typed: str) -> None:
    factories.ContactFactory(phone="+14155550123", name="Ada Byron")
    factories.ContactFactory(phone="+33612345678", name="Charles Babbage")

    page = administrator.get("/admin/contacts/contact/", {"q": typed}).content.decode()

    assert "+14155550123" in page
    assert "+33612345678" not in page


def test_contacts_of_a_list(administrator: Client) -> None:
    ada, bob = factories.ContactFactory(), factories.ContactFactory()
    friends = factories.ContactListFactory(contacts=[ada])

    page = administrator.get("/admin/contacts/contact/", {"list": friends.pk}).content.decode()

    assert ada.phone in page
    assert bob.phone not in page


@pytest.mark.parametrize("by", ["recipient", "id"])
def test_a_message_is_found_by_its_number_or_id(administrator: Client, by: str) -> None:
    wanted, other = factories.MessageFactory(), factories.MessageFactory()
    typed = wanted.recipient if by == "recipient" else str(wanted.pk)

    page = administrator.get("/admin/delivery/message/", {"q": typed}).content.decode()

    assert wanted.recipient in page
    assert other.recipient not in page


@pytest.mark.parametrize(
    ("filters", "sees"),
    [
        ({"status": "failed"}, {"failed"}),
        ({"campaign": "7"}, {"failed"}),
        ({"campaign": "0"}, {"queued"}),
        ({"lane": "3"}, {"failed"}),
        ({"when": "hour"}, {"failed", "queued"}),
        ({"status": "no such"}, set()),
        ({"campaign": "7; DROP"}, {"failed", "queued"}),
    ],
)
def test_messages_are_narrowed(administrator: Client, filters: dict[str, str], sees: set[str]) -> None:
    factories.CampaignFactory(pk=7, launched_at=timezone.now())
    rows = {
        "failed": factories.MessageFactory(status=Status.FAILED, campaign_id=7, contact_id=1, lane=3),
        "queued": factories.MessageFactory(),
    }

    page = administrator.get("/admin/delivery/message/", filters).content.decode()

    assert {name for name, message in rows.items() if message.recipient in page} == sees


def test_messages_to_a_contact(administrator: Client) -> None:
    ada = factories.ContactFactory()
    to_her, other = factories.MessageFactory(recipient=ada.phone), factories.MessageFactory()

    page = administrator.get("/admin/delivery/message/", {"contact": ada.pk}).content.decode()

    assert to_her.recipient in page
    assert other.recipient not in page


@pytest.mark.django_db(transaction=True)
def test_a_list_that_would_take_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a limit that nothing keeps
    monkeypatch.setattr(base, "LIST_MILLISECONDS", 1)
    client = at_the_keyboard(factories.AdministratorFactory())
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX contact_name_start")
        cursor.execute(
            """INSERT INTO contacts_contact
                   (phone, name, language, time_zone, country, attributes, created_at, updated_at)
               SELECT '+1415' || 1000000 + n, 'Person ' || n, '', '', '', '{}', now(), now()
               FROM generate_series(1, 50000) AS n"""
        )

    answer = client.get("/admin/contacts/contact/", {"q": "zzz"}, follow=False)

    # Then we are taken back to the whole list, with a word why
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/contacts/contact/"
