"""Contacts, lists and suppressions as a system sees them."""

from typing import Any

import pytest

from contacts.models import Contact, Membership, Suppression
from tests.api.conftest import System, is_problem
from tests.factories import ContactFactory, ContactListFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


def test_a_contact_is_made_with_its_number_in_one_form(shop: System) -> None:
    answer = shop.post(
        "contacts",
        {
            "phone": "(415) 555-0123",
            "name": "Ada Byron",
            "language": "pt_br",
            "time_zone": "europe/lisbon",
            "attributes": {"doctor": "Dr Okafor", "visits": 3, "gone": None},
        },
    )

    assert answer.status_code == 201
    assert answer.body | {"id": 0, "created_at": "", "updated_at": ""} == {
        "id": 0,
        "phone": "+14155550123",
        "name": "Ada Byron",
        "language": "pt-BR",
        "time_zone": "Europe/Lisbon",
        "country": "US",
        "attributes": {"doctor": "Dr Okafor", "visits": 3},
        "created_at": "",
        "updated_at": "",
    }
    assert shop.get(f"contacts/{answer.body['id']}").body == answer.body


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "klingonese"),
        ("time_zone", "Mars/Olympus"),
        ("country", "XX"),
        ("name", "x" * 201),
        ("name", None),
        ("attributes", []),
        ("attributes", {"": "x"}),
        ("attributes", {"n": 2**80}),
        ("attributes", {"x": "y" * 2001}),
        ("attributes", {f"a{n}": n for n in range(101)}),
    ],
)
def test_a_wrong_value_is_refused(shop: System, field: str, value: Any) -> None:
    answer = shop.post("contacts", {"phone": "+14155550123", field: value})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(f"/{field}")
    assert Contact.objects.count() == 0


def test_an_existing_number_is_refused_with_the_id_that_has_it(shop: System) -> None:
    ada = ContactFactory(phone="+14155550123", name="Ada")

    answer = shop.post("contacts", {"phone": "4155550123", "name": "Somebody else"})

    assert is_problem(answer, 409, "already-exists")
    assert answer.body["existing_id"] == ada.pk
    ada.refresh_from_db()
    assert ada.name == "Ada"


def test_an_upsert_updates_what_is_given_and_merges_attributes(shop: System) -> None:
    ada = ContactFactory(phone="+14155550123", name="Ada", attributes={"doctor": "Dr Okafor", "floor": 2})

    answer = shop.post("contacts?upsert=true", {"phone": "+14155550123", "attributes": {"floor": 3, "doctor": None}})

    assert answer.status_code == 200
    assert (answer.body["id"], answer.body["name"]) == (ada.pk, "Ada")
    assert answer.body["attributes"] == {"floor": 3}


def test_an_upsert_of_a_new_number_makes_a_contact(shop: System) -> None:
    assert shop.post("contacts?upsert=true", {"phone": "+14155550123"}).status_code == 201
    assert is_problem(shop.post("contacts?upsert=maybe", {"phone": "+14155550124"}), 400, "validation-error")


def test_a_patch_changes_only_what_is_given(shop: System) -> None:
    ada = ContactFactory(name="Ada", language="fr", attributes={"doctor": "Dr Okafor"})

    answer = shop.patch(f"contacts/{ada.pk}", {"name": "Ada Byron", "attributes": {"floor": 2}})

    assert answer.status_code == 200
    assert (answer.body["name"], answer.body["language"]) == ("Ada Byron", "fr")
    assert answer.body["attributes"] == {"doctor": "Dr Okafor", "floor": 2}


def test_a_patch_may_not_take_another_contacts_number(shop: System) -> None:
    ada, bob = ContactFactory(), ContactFactory()

    answer = shop.patch(f"contacts/{ada.pk}", {"phone": bob.phone})

    assert is_problem(answer, 409, "already-exists")
    assert answer.body["existing_id"] == bob.pk


def test_a_contact_is_deleted_and_its_suppression_stays(shop: System) -> None:
    ada = ContactFactory()
    ContactListFactory(contacts=[ada])
    SuppressionFactory(phone=ada.phone)

    assert shop.delete(f"contacts/{ada.pk}").status_code == 204
    assert not Contact.objects.exists()
    assert Suppression.objects.filter(phone=ada.phone).exists()


def test_contacts_are_found_by_phone_list_country_and_change(shop: System) -> None:
    ada, bob = ContactFactory(phone="+14155550123"), ContactFactory(phone="+33612345678", country="FR")
    friends = ContactListFactory(contacts=[bob])

    def found(query: str) -> list[int]:
        return [contact["id"] for contact in shop.get(f"contacts?{query}").body["results"]]

    assert found("phone=%2B14155550123") == [ada.pk]
    assert found("phone=+14155550123") == [ada.pk]
    assert found("phone=(415) 555-0123") == [ada.pk]
    assert found(f"list={friends.pk}") == [bob.pk]
    assert found("country=fr") == [bob.pk]
    assert found("updated_since=2020-01-01T00:00:00Z") == [bob.pk, ada.pk]
    assert found("updated_since=2099-01-01T00:00:00Z") == []


def test_members_are_put_on_a_list_and_taken_off(shop: System) -> None:
    ada, bob, cy = ContactFactory.create_batch(3)
    friends = ContactListFactory(contacts=[cy])

    answer = shop.post(f"lists/{friends.pk}/members", {"add": [ada.pk, bob.pk, ada.pk], "remove": [cy.pk]})

    assert answer.body == {"added": 2, "removed": 1, "size": 2}
    assert [contact["id"] for contact in shop.get(f"lists/{friends.pk}/members").body["results"]] == [bob.pk, ada.pk]
    again = shop.post(f"lists/{friends.pk}/members", {"add": [ada.pk, bob.pk]})
    assert again.body == {"added": 0, "removed": 0, "size": 2}


@pytest.mark.parametrize(
    "body",
    [{}, {"add": []}, {"add": [1], "remove": [1]}, {"add": ["x"]}, {"add": [2**63]}, {"add": list(range(1, 10_002))}],
)
def test_a_wrong_change_of_members_is_refused(shop: System, body: Any) -> None:
    friends = ContactListFactory()

    assert is_problem(shop.post(f"lists/{friends.pk}/members", body), 400, "validation-error")
    assert not Membership.objects.exists()


def test_lists_are_made_renamed_and_deleted(shop: System) -> None:
    made = shop.post("lists", {"name": "Friends", "description": "Of the house"})
    assert made.status_code == 201
    assert is_problem(shop.post("lists", {"name": "Friends"}), 400, "validation-error")

    path = f"lists/{made.body['id']}"
    assert shop.patch(path, {"name": "Old friends"}).body["description"] == "Of the house"
    assert shop.delete(path).status_code == 204
    assert shop.get(path).status_code == 404


def test_numbers_are_suppressed_and_lifted(shop: System) -> None:
    body = {"phones": ["(415) 555-0123", "+33612345678"], "reason": "opted_out", "evidence": "E-mail"}
    assert shop.post("suppressions", body).body == {"changed": 2}
    assert shop.post("suppressions", body).body == {"changed": 0}

    lift = {"phones": ["+33612345678"], "evidence": "Called us"}
    assert shop.post("suppressions/lift", lift).body == {"changed": 1}

    active = shop.get("suppressions?active=true").body["results"]
    assert [(row["phone"], row["reason"], row["evidence"]) for row in active] == [
        ("+14155550123", "opted_out", "E-mail")
    ]
    lifted = shop.get("suppressions?active=false").body["results"]
    assert [(row["phone"], row["lifted_evidence"]) for row in lifted] == [("+33612345678", "Called us")]
    assert is_problem(shop.get("suppressions?active=perhaps"), 400, "validation-error")


def test_a_stop_to_one_sender_is_entered_found_and_lifted(shop: System) -> None:
    ada = {"phones": ["+14155550123"]}
    assert shop.post("suppressions", ada | {"reason": "opted_out", "scope": "CLINIC"}).body == {"changed": 1}
    assert [found["phone"] for found in shop.get("suppressions?scope=CLINIC").body["results"]] == ada["phones"]
    assert shop.post("suppressions/lift", ada | {"evidence": "By phone"}).body == {"changed": 0}
    assert shop.post("suppressions/lift", ada | {"scope": "CLINIC", "evidence": "By phone"}).body == {"changed": 1}


def test_a_suppression_without_evidence_names_the_key(shop: System) -> None:
    shop.post("suppressions", {"phones": ["+14155550123"]})

    assert Suppression.objects.get().evidence == "API key Web shop"


def test_one_wrong_number_refuses_them_all(shop: System) -> None:
    answer = shop.post("suppressions", {"phones": ["+14155550123", "12"]})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/phones/1"
    assert not Suppression.objects.exists()
