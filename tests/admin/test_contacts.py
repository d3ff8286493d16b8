"""People, lists and the suppression list, as staff keep them."""

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, ContactList, Erasure, Suppression
from tests import factories


def new(**fields: object) -> dict[str, object]:
    given = {"phone": "+14155550123", "name": "Ada", "language": "", "time_zone": "", "country": "", "attributes": ""}
    return given | fields


# --- contacts -----------------------------------------------------------------------------------------------------


def test_a_contact_is_added_in_any_notation(staff: Client) -> None:
    friends = factories.ContactListFactory()

    staff.post(
        "/admin/contacts/contact/add/",
        new(phone="(415) 555-0123", attributes="doctor: Dr Okafor\nclinic: Elm: Street", on_lists=[friends.pk]),
    )

    contact = Contact.objects.get()
    assert (contact.phone, contact.country) == ("+14155550123", "US")
    assert contact.attributes == {"doctor": "Dr Okafor", "clinic": "Elm: Street"}
    friends.refresh_from_db()
    assert friends.size == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"phone": "12"}, "too short"),
        ({"attributes": "no colon"}, "Line 1 is not"),
        ({"attributes": "a: 1\na: 2"}, "there twice"),
    ],
)
def test_what_cannot_be_a_contact_is_explained(staff: Client, fields: dict[str, str], says: str) -> None:
    page = staff.post("/admin/contacts/contact/add/", new(**fields)).content.decode()

    assert says in page
    assert not Contact.objects.exists()


def test_the_same_number_is_not_added_twice(staff: Client) -> None:
    factories.ContactFactory(phone="+14155550123")

    page = staff.post("/admin/contacts/contact/add/", new(phone="+1 415 555 0123")).content.decode()

    assert "already exists" in page


def test_changing_a_contact_keeps_what_was_not_touched(staff: Client) -> None:
    old, friends = factories.ContactListFactory(), factories.ContactListFactory()
    ada = factories.ContactFactory(attributes={"visits": 3, "clinic": "Elm Street", "tags": ["a", "b"]})
    old_phone = ada.phone
    old.contacts.add(ada)
    sent = new(
        phone="+14155559999", name="Ada B", country="us", attributes='visits: 3\nclinic: Oak Lane\ntags: ["a", "b"]'
    )

    staff.post(f"/admin/contacts/contact/{ada.pk}/change/", sent | {"on_lists": [friends.pk]})

    ada.refresh_from_db()
    assert ada.attributes == {"visits": 3, "clinic": "Oak Lane", "tags": ["a", "b"]}
    assert (ada.phone, ada.name, ada.country) == (old_phone, "Ada B", "US")
    assert list(ada.lists.all()) == [friends]


def test_a_contact_shows_whether_it_may_be_texted(staff: Client) -> None:
    ada = factories.ContactFactory()
    page = f"/admin/contacts/contact/{ada.pk}/change/"
    assert "opted out" not in staff.get(page).content.decode()

    factories.SuppressionFactory(phone=ada.phone, evidence="Texted STOP.")

    html = staff.get(page).content.decode()
    assert "opted out, since" in html
    assert "Texted STOP." in html


# --- lists --------------------------------------------------------------------------------------------------------


def test_a_list_that_a_campaign_leaves_out_cannot_be_deleted(staff: Client) -> None:
    never = factories.ContactListFactory(name="Never text")
    factories.CampaignFactory(name="Flu shots", exclude=[never])
    page = f"/admin/contacts/contactlist/{never.pk}/delete/"

    assert "Flu shots" in staff.get(page).content.decode()
    staff.post(page, {"post": "yes"})

    assert ContactList.objects.filter(pk=never.pk).exists()


def test_a_list_is_deleted_and_its_contacts_stay(staff: Client) -> None:
    friends = factories.ContactListFactory(contacts=factories.ContactFactory.create_batch(3))
    page = f"/admin/contacts/contactlist/{friends.pk}/delete/"

    assert "3 memberships; the contacts stay" in staff.get(page).content.decode()
    staff.post(page, {"post": "yes"})

    assert not ContactList.objects.exists()
    assert Contact.objects.count() == 3


# --- suppression --------------------------------------------------------------------------------------------------


def suppress(client: Client, numbers: str, evidence: str = "Asked by phone") -> str:
    sent = {"numbers": numbers, "reason": "manual", "evidence": evidence}
    return client.post("/admin/contacts/suppression/add/", sent, follow=True).content.decode()


def test_numbers_are_suppressed_in_any_notation(staff: Client) -> None:
    factories.SuppressionFactory(phone="+14155550199")

    page = suppress(staff, "(415) 555-0123\n\n+44 20 7946 0018\n+14155550199")

    assert "2 numbers will not be texted any more. 1 number already stood on the list." in page
    suppression = Suppression.objects.get(phone="+14155550123")
    assert (suppression.reason, suppression.evidence) == ("manual", "Asked by phone")
    assert suppression.created_by is not None


def test_of_numbers_that_cannot_be_read_none_is_suppressed(staff: Client) -> None:
    page = suppress(staff, "+14155550123\n12")

    assert "Line 2:" in page
    assert not Suppression.objects.exists()


def test_a_suppression_needs_evidence(staff: Client) -> None:
    suppress(staff, "+14155550123", evidence="")

    assert not Suppression.objects.exists()


def test_lifting_keeps_the_entry_with_who_and_why(staff: Client) -> None:
    suppression = factories.SuppressionFactory()
    page = reverse("admin:contacts_suppression_lift", args=[suppression.pk])

    staff.post(page, {"evidence": ""})
    suppression.refresh_from_db()
    assert suppression.lifted_at is None

    staff.post(page, {"evidence": "Signed form of 3 May"})
    suppression.refresh_from_db()
    assert suppression.lifted_at is not None
    assert suppression.lifted_by is not None
    assert suppression.lifted_evidence == "Signed form of 3 May"


def test_a_stop_to_one_sender_is_entered_and_shown_with_the_contact(staff: Client) -> None:
    ada = factories.ContactFactory()
    sent = {"numbers": ada.phone, "reason": "opted_out", "scope": "CLINIC", "evidence": "Asked by phone"}
    staff.post("/admin/contacts/suppression/add/", sent)

    assert Suppression.objects.get().scope == "CLINIC"
    assert "Not by CLINIC" in staff.get(f"/admin/contacts/contact/{ada.pk}/change/").content.decode()


def test_a_refusal_in_free_words_is_found_and_confirmed(staff: Client) -> None:
    refusal = factories.SuppressionFactory(reason="refused")
    factories.SuppressionFactory()

    listed = staff.get("/admin/contacts/suppression/?standing=review").content.decode()
    assert refusal.phone in listed
    assert "To be looked at" in listed

    staff.post(reverse("admin:contacts_suppression_confirm", args=[refusal.pk]))
    refusal.refresh_from_db()
    assert refusal.reviewed_by is not None
    assert refusal.phone not in staff.get("/admin/contacts/suppression/?standing=review").content.decode()


def test_a_suppression_is_never_deleted_or_edited(administrator: Client) -> None:
    suppression = factories.SuppressionFactory()

    assert (
        administrator.post(f"/admin/contacts/suppression/{suppression.pk}/delete/", {"post": "yes"}).status_code == 403
    )
    administrator.post(f"/admin/contacts/suppression/{suppression.pk}/change/", {"phone": "+14155550000"})

    before = suppression.phone
    suppression.refresh_from_db()
    assert suppression.phone == before


# --- consent and privacy ------------------------------------------------------------------------------------------


def test_staff_record_a_consent_and_print_the_proof(staff: Client) -> None:
    ada = factories.ContactFactory(name="Ада")
    sent = {"phone": ada.phone, "action": "granted", "purpose": "marketing", "source": "staff"}

    refused = staff.post("/admin/contacts/consentevent/add/", sent | {"evidence": "x", "purpose": "spam"})
    assert "not one of the available choices" in refused.content.decode()
    staff.post("/admin/contacts/consentevent/add/", sent | {"evidence": "Said so by phone"})

    page = staff.get(f"/admin/contacts/contact/{ada.pk}/change/").content.decode()
    assert "Marketing: granted" in page
    assert 'data-testid="erase"' not in page
    proof = f"/admin/contacts/consentevent/{ada.pk}/proof"
    assert staff.get(f"{proof}.pdf").content.startswith(b"%PDF")
    assert staff.get(f"{proof}.json").json()["events"][0]["evidence"] == "Said so by phone"


def test_an_operator_erases_a_person_only_when_certain(operator: Client) -> None:
    ada = factories.ContactFactory()
    assert 'data-testid="erase"' in operator.get(f"/admin/contacts/contact/{ada.pk}/change/").content.decode()
    page = f"/admin/contacts/erasure/add/?contact={ada.pk}"
    assert ada.phone in operator.get(page).content.decode()

    operator.post(page, {"phone": ada.phone, "evidence": "Letter of 3 May"})
    assert not Erasure.objects.exists()

    operator.post(page, {"phone": ada.phone, "evidence": "Letter of 3 May", "certain": "on"})
    erasure = Erasure.objects.get()
    assert (erasure.phone, erasure.status) == (ada.phone, "waiting")
    assert operator.get(f"/admin/contacts/erasure/{erasure.pk}/certificate.pdf").status_code == 404


def test_the_page_of_an_erasure_follows_it(operator: Client, nobody: Client) -> None:
    erasure = Erasure.objects.create(phone="+14155550123", requested_by="grace", evidence="Letter of 3 May")
    page = f"/admin/contacts/erasure/{erasure.pk}"
    assert f"{page}/progress/waiting/" in operator.get(f"{page}/change/").content.decode()
    assert "HX-Refresh" not in operator.get(f"{page}/progress/waiting/").headers

    Erasure.objects.update(status="done", phone=None, digest=b"x" * 32)
    assert operator.get(f"{page}/progress/waiting/").headers["HX-Refresh"] == "true"
    assert "/progress/" not in operator.get(f"{page}/change/").content.decode()
    assert nobody.get(f"{page}/progress/waiting/").status_code == 403


def test_an_operator_takes_out_what_there_is_about_a_person(operator: Client) -> None:
    ada = factories.ContactFactory()
    answer = operator.get(f"/admin/contacts/erasure/export/{ada.pk}/")
    assert b"".join(answer.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
