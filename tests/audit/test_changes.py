"""What the trigger writes of a change: who, what, before and after, and nothing that is personal or secret."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from campaigns import control
from campaigns.models import Campaign
from contacts.models import Contact
from delivery.models import Provider
from smshub.audit import tables, triggers
from smshub.audit.models import Entry
from tests import factories
from tests.api.conftest import System

pytestmark = pytest.mark.django_db


def changes_of(subject: str, verb: str = "change") -> Any:
    return Entry.objects.filter(kind="change", subject=subject, verb=verb).latest("id")


def test_a_change_in_admin_says_who_from_where_and_what_was_before(operator: Client) -> None:
    route = factories.RouteFactory(order=1, country="US")

    operator.post(
        f"/admin/delivery/route/{route.pk}/change/",
        {"channel": "sms", "country": "DE", "lane": "", "order": 2, "sender": route.sender_id, "weight": route.weight},
        headers={"X-Request-Id": "0af76519-16cd-43dd-8448-eb211c80319c"},
    )

    entry = changes_of("delivery.Route")
    assert (entry.actor_kind, entry.actor, entry.address) == ("user", operator_name(operator), "127.0.0.1")
    assert str(entry.request_id) == "0af76519-16cd-43dd-8448-eb211c80319c"
    assert entry.object_id == str(route.pk)
    assert entry.changes["country"] == ["US", "DE"]
    assert entry.changes["order"] == [1, 2]


def operator_name(client: Client) -> str:
    return str(client.get("/admin/").context["user"].get_username())


def test_no_way_to_a_table_leads_past_the_log() -> None:
    """A bulk UPDATE in a shell is in it as well: the hub itself has done it."""
    provider = factories.ProviderFactory(enabled=True)

    Provider.objects.filter(pk=provider.pk).update(enabled=False, disabled_reason="Refused the account")

    entry = changes_of("delivery.Provider")
    assert (entry.actor_kind, entry.actor, entry.address) == ("hub", "", None)
    assert entry.changes == {"enabled": [True, False], "disabled_reason": ["", "Refused the account"]}


def test_secrets_are_named_and_never_copied() -> None:
    provider = factories.ProviderFactory(credentials={"auth_token": "very-secret-token"})
    provider.credentials = {"auth_token": "another-secret-token"}
    provider.save()
    user = factories.UserFactory()
    user.set_password("correct horse")
    user.save()

    assert changes_of("delivery.Provider").changes["credentials"] is None
    assert changes_of("auth.User").changes == {"password": None}
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(audit_entry::text, ' ') FROM audit_entry")
        (all_of_it,) = cursor.fetchone()
    stored = Provider.objects.extra(select={"sealed": "encode(credentials, 'hex')"}).get(pk=provider.pk)
    for secret in ("secret-token", stored.sealed, user.password):
        assert secret not in all_of_it


def test_of_a_person_only_the_names_of_what_changed_are_kept(operator: Client) -> None:
    contact = factories.ContactFactory(name="Ada Lovelace", country="US")

    operator.post(
        f"/admin/contacts/contact/{contact.pk}/change/",
        {"name": "Ada King", "language": "en", "time_zone": "", "country": "GB", "attributes": "doctor: Dr Okafor"},
    )

    contact.refresh_from_db()
    assert contact.name == "Ada King"
    entry = changes_of("contacts.Contact")
    assert entry.changes == {"name": None, "country": None, "attributes": None}
    assert entry.object_id == str(contact.pk)


def test_a_column_that_the_hub_keeps_up_to_date_by_itself_is_no_news() -> None:
    key = factories.ApiKeyFactory()
    before = Entry.objects.count()

    type(key).objects.filter(pk=key.pk).update(last_used_at="2026-01-01T00:00:00Z")

    assert Entry.objects.count() == before


def test_membership_in_a_group_is_told_of_the_user() -> None:
    user, group = factories.UserFactory(), Group.objects.create(name="Nurses")

    user.groups.add(group)
    user.groups.remove(group)

    for verb, change in (("add", [None, group.pk]), ("delete", [group.pk, None])):
        entry = changes_of("auth.User.groups", verb)
        assert (entry.object_id, entry.changes["group_id"]) == (str(user.pk), change)


def test_what_the_hub_writes_of_people_by_the_million_is_not_followed() -> None:
    Contact.objects.create(phone="+14155550123", country="US")
    factories.SuppressionFactory()

    assert not Entry.objects.filter(subject__startswith="contacts.").exists()


def test_a_keys_change_has_its_prefix_as_the_actor() -> None:
    system = System("campaigns:write", "campaigns:read")
    campaign = factories.CampaignFactory(status=Campaign.Status.RUNNING)

    assert system.post(f"campaigns/{campaign.pk}/pause", {}).status_code == 200

    entry = changes_of("campaigns.Campaign")
    assert (entry.actor_kind, entry.actor_id, entry.actor) == ("key", system.key.pk, system.key.prefix)
    assert entry.changes["status"] == ["running", "paused"]


def test_the_change_is_in_the_log_exactly_when_it_happened() -> None:
    campaign = factories.CampaignFactory(status=Campaign.Status.RUNNING)
    before = Entry.objects.count()

    with transaction.atomic():
        control.pause(campaign=campaign, actor=None)
        assert changes_of("campaigns.Campaign").changes["status"] == ["running", "paused"]
        transaction.set_rollback(True)

    assert Entry.objects.count() == before


def test_the_log_only_grows() -> None:
    factories.ProviderFactory()
    entry = Entry.objects.latest("id")

    for change in (lambda: Entry.objects.filter(pk=entry.pk).update(actor="nobody"), entry.delete):
        with pytest.raises((DatabaseError, IntegrityError), match="only grows"), transaction.atomic():
            change()


def test_every_table_that_is_followed_has_its_trigger() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audit_change'")
        assert {name for (name,) in cursor.fetchall()} == tables.names()


def test_triggers_are_made_once_however_often_they_are_asked_for() -> None:
    def present() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid, tgrelid, xmin::text FROM pg_trigger WHERE tgname = 'audit_change' ORDER BY oid")
            return list(cursor.fetchall())

    before = present()
    triggers.sync()

    assert before
    assert present() == before


def test_a_trigger_that_was_dropped_comes_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_change ON delivery_provider")

    triggers.sync()
    factories.ProviderFactory()

    assert changes_of("delivery.Provider", "add")
