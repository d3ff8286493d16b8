"""What requests leave in the log: actions, views of people, files taken away, sign-ins."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import ResolverMatch, URLPattern, reverse

from campaigns.models import Campaign
from smshub.api.urls import router
from smshub.audit import places, tables, trail
from smshub.audit.models import Entry
from tests import conversation_factories, factories
from tests.admin.conftest import one_of
from tests.api.conftest import System
from tests.browser.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def entries(**wanted: Any) -> list[tuple[str, str, str]]:
    found = Entry.objects.filter(**wanted).order_by("id")
    return [(entry.subject, entry.verb, entry.object_id) for entry in found]


def test_an_action_of_a_user_is_in_the_log(operator: Client) -> None:
    campaign = factories.CampaignFactory(status=Campaign.Status.RUNNING)

    operator.post(f"/admin/campaigns/campaign/{campaign.pk}/act/pause/")

    assert entries(kind="action") == [("campaigns.Campaign", "act", str(campaign.pk))]


def test_a_request_that_was_refused_or_changed_nothing_is_no_action(operator: Client) -> None:
    operator.post("/admin/delivery/route/add/", {"country": "nowhere"})
    operator.post("/admin/campaigns/template/preview/", {"body": "Hello {{ contact.name }}"})
    one_of("Inbox agent").post("/admin/delivery/route/add/", {"country": "DE"})

    assert entries(kind="action") == []


def test_a_keys_action_is_in_the_log_with_its_prefix() -> None:
    shop = System("contacts:write", "contacts:read")

    answer = shop.post("contacts", {"phone": "+14155550188"})

    assert answer.status_code in (200, 201)
    entry = Entry.objects.get(kind="action")
    assert (entry.actor_kind, entry.actor, entry.subject, entry.verb) == ("key", shop.key.prefix, "api/contacts", "add")
    assert "+14155550188" not in str(entry.changes)


def test_messages_that_a_key_hands_in_are_told_by_the_messages_themselves() -> None:
    factories.DefaultSenderFactory()

    assert System("messages:write").post("messages", {"to": "+14155550188", "body": "Hello"}).status_code == 201

    assert entries(kind="action") == []


@pytest.mark.parametrize(
    ("subject", "make"),
    [
        ("contacts.Contact", factories.ContactFactory),
        ("delivery.Message", factories.MessageFactory),
        ("delivery.Inbound", factories.InboundFactory),
        ("campaigns.Conversation", conversation_factories.ConversationFactory),
        ("contacts.Suppression", factories.SuppressionFactory),
    ],
)
def test_who_opens_the_page_of_a_person_is_in_the_log_once_in_a_while(
    operator: Client, subject: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = make()
    page = reverse(f"admin:{subject.lower().replace('.', '_')}_change", args=[thing.pk])

    for _ in range(3):
        assert operator.get(page).status_code == 200
    monkeypatch.setattr(trail, "VIEW_EVERY", timedelta(0))
    operator.get(page)

    assert entries(kind="view") == [(subject, "open", str(thing.pk))] * 2


def test_a_list_of_people_is_a_view_and_a_list_of_set_up_is_none(operator: Client) -> None:
    operator.get("/admin/contacts/contact/?q=Ada")
    operator.get("/admin/delivery/route/")

    assert entries(kind="view") == [("contacts.Contact", "list", "")]


def test_a_file_that_was_taken_away_is_an_export(operator: Client) -> None:
    contact = factories.ContactFactory()

    operator.get(f"/admin/contacts/consentevent/{contact.pk}/proof.pdf")
    operator.get(f"/admin/contacts/erasure/export/{contact.pk}/")

    assert entries(kind="export") == [
        ("contacts.ConsentEvent", "proof", str(contact.pk)),
        ("contacts.Erasure", "export", str(contact.pk)),
    ]


def test_what_a_key_takes_away_is_an_export() -> None:
    contact = factories.ContactFactory()

    shop = System("privacy:read", "contacts:read")
    shop.client.get(f"/api/v1/contacts/{contact.pk}/export", headers={"Authorization": f"Bearer {shop.text}"})

    assert entries(kind="export") == [("api/contacts", "export", str(contact.pk))]


def test_what_a_key_reads_of_people_is_in_the_log_once_in_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = factories.ContactFactory.create_batch(2)
    friends = factories.ContactListFactory(contacts=[ada])
    shop, other = System("contacts:read", "lists:read"), System("contacts:read")

    for _ in range(2):
        for path in ("contacts", f"contacts/{ada.pk}", f"lists/{friends.pk}/members", "lists"):
            assert shop.get(path).status_code == 200
    shop.get("contacts?limit=1")
    shop.get(f"contacts/{bob.pk}")
    other.get("contacts")

    numbers = ("", ada.pk, bob.pk)
    mine = [("api/contacts", "read", str(number)) for number in numbers]
    assert sorted(entries(kind="view", actor=shop.key.prefix)) == sorted(
        [*mine, ("api/lists", "members", str(friends.pk))]
    )
    assert entries(kind="view", actor=other.key.prefix) == [("api/contacts", "read", "")]

    # Another process, which remembers nothing of it, finds it in the log; after an hour it is told again
    monkeypatch.setattr(trail, "_written", {})
    shop.get("contacts")
    assert entries(kind="view", actor=shop.key.prefix, object_id="") == [("api/contacts", "read", "")]
    monkeypatch.setattr(trail, "_written", {})
    monkeypatch.setattr(trail, "READ_EVERY", timedelta(0))
    shop.get("contacts")
    assert len(entries(kind="view", actor=shop.key.prefix, object_id="")) == 2


def test_of_messages_it_is_told_that_a_key_read_some_and_not_which() -> None:
    shop = System()
    for message in factories.MessageFactory.create_batch(2):
        assert shop.get(f"messages/{message.pk}").status_code == 200
    assert shop.post("messages/search", {"to": "+14155550188"}).status_code == 200

    assert entries(kind="view") == [("api/messages", "read", ""), ("api/messages", "search", "")]


def test_a_read_that_is_written_down_already_costs_no_query() -> None:
    shop = System("contacts:read")
    contact = factories.ContactFactory()
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            shop.get(f"contacts/{contact.pk}")
    assert not any("audit_entry" in query["sql"] for query in queries)


def test_what_a_key_may_not_read_or_is_set_up_is_no_view() -> None:
    shop = System("templates:read")
    shop.get("contacts")
    shop.get("templates")
    assert entries(kind="view") == []


def test_sign_ins_and_failures_are_in_the_log_and_a_name_that_nobody_has_is_not() -> None:
    user, client = factories.UserFactory(), Client()

    for name, password in (("my-password-by-mistake", "x"), (user.username, "wrong"), (user.username, PASSWORD)):
        client.post("/admin/login/", {"username": name, "password": password})
    client.post("/admin/logout/")

    assert entries(kind="sign_in") == [
        ("auth.User", verb, str(user.pk)) for verb in ("failed", "signed in", "signed out")
    ]


def test_every_model_in_admin_is_followed_or_has_a_reason_not_to_be() -> None:
    shown = {model._meta.label for model in admin.site._registry if model._meta.app_label != "axes"}

    assert shown - set(tables.AUDITED) - set(tables.NOT_BY_ROW) == set()
    assert set(tables.NOT_BY_ROW) <= shown - set(tables.AUDITED)


def routes() -> Iterator[tuple[str, str, Any]]:
    """Name, method and view of every address by which a key changes something."""
    for pattern in router.urls:
        for method in pattern.callback.actions:  # type: ignore[union-attr]
            if method not in ("get", "head"):
                yield str(pattern.name), method.upper(), pattern.callback


BASENAMES = {f"api/{basename}" for _prefix, _viewset, basename in router.registry}


@pytest.mark.parametrize(("name", "method", "view"), routes())
def test_every_address_by_which_a_key_changes_something_has_a_name_in_the_log(
    name: str, method: str, view: Any
) -> None:
    place = places.of_api(ResolverMatch(view, (), {"pk": 7}, url_name=name), method)

    assert place.subject in BASENAMES
    assert place.verb not in ("", "read")
    assert place.object_id == "7"


def test_what_is_not_an_action_of_the_log_is_an_address_that_there_is() -> None:
    ours = {f"admin {pattern.name}" for pattern in admin.site.get_urls() if isinstance(pattern, URLPattern)}

    assert set(places.TOLD_ELSEWHERE) <= BASENAMES | ours
