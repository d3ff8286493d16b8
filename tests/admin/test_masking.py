"""Whoever may see people but not their numbers: what each page shows, and what they still find."""

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.models import Contact, ContactImport
from tests import factories
from tests.admin.conftest import at_the_keyboard
from tests.conversation_factories import ConversationFactory
from tests.reminder_factories import AppointmentFactory, PlanFactory

NUMBER, MASKED = "+14155550123", "+1 •••••••123"


@pytest.fixture
def masked(db: None) -> Client:
    """May do everything, but see numbers."""
    user = factories.UserFactory()
    user.user_permissions.set(Permission.objects.exclude(codename="see_numbers"))
    return at_the_keyboard(user)


@pytest.fixture
def ada(db: None) -> Contact:
    contact: Contact = factories.ContactFactory(phone=NUMBER, name="Ada Byron")
    return contact


def test_no_page_shows_a_whole_number_to_whoever_may_not_see_it(masked: Client, staff: Client, ada: Contact) -> None:
    message = factories.MessageFactory(recipient=NUMBER)
    inbound = factories.InboundFactory(phone=NUMBER)
    suppression = factories.SuppressionFactory(phone=NUMBER)
    consent = factories.ConsentEventFactory(phone=NUMBER)
    appointment, plan = AppointmentFactory(contact=ada), PlanFactory(contact=ada)
    conversation = ConversationFactory(phone=NUMBER)
    pages = [
        *("contacts/contact/", f"contacts/contact/{ada.pk}/change/"),
        *("contacts/suppression/", f"contacts/suppression/{suppression.pk}/change/"),
        f"contacts/suppression/{suppression.pk}/lift/",
        *("contacts/consentevent/", f"contacts/consentevent/{consent.pk}/change/"),
        *("delivery/message/", f"delivery/message/{message.pk}/change/"),
        *("delivery/inbound/", f"delivery/inbound/{inbound.pk}/change/"),
        f"campaigns/appointment/{appointment.pk}/change/",
        f"campaigns/plan/{plan.pk}/change/",
        *("campaigns/conversation/", f"campaigns/conversation/{conversation.pk}/change/"),
    ]

    for page in pages:
        seen = masked.get(f"/admin/{page}").content.decode()
        assert NUMBER not in seen, page
        assert NUMBER[1:] not in seen, page
        assert MASKED in seen or "Ada Byron" in seen, page


def test_names_and_texts_go_by_the_right_to_see_people(masked: Client, ada: Contact) -> None:
    message = factories.MessageFactory(recipient=NUMBER, body="Your table is ready.")

    assert "Your table is ready." in masked.get(f"/admin/delivery/message/{message.pk}/change/").content.decode()
    assert "Ada Byron" in masked.get("/admin/contacts/contact/").content.decode()


@pytest.mark.parametrize("typed", ["+14155550123", "(415) 555-0123", "0014155550123"])
def test_somebody_is_found_by_a_whole_number_that_one_knows(masked: Client, ada: Contact, typed: str) -> None:
    factories.ContactFactory()

    found = masked.get("/admin/contacts/contact/", {"q": typed}).content.decode()

    assert "Ada Byron" in found
    assert found.count("field-who") == 1


def test_nobody_is_found_by_the_beginning_of_a_number(masked: Client, staff: Client, ada: Contact) -> None:
    assert "Ada Byron" in staff.get("/admin/contacts/contact/", {"q": "+1415555"}).content.decode()
    assert "Ada Byron" not in masked.get("/admin/contacts/contact/", {"q": "+1415555"}).content.decode()


def test_an_appointment_is_changed_without_its_number(masked: Client, ada: Contact) -> None:
    appointment = AppointmentFactory(contact=ada, kind="check-up")
    page = f"/admin/campaigns/appointment/{appointment.pk}/change/"
    form = masked.get(page).context["adminform"].form

    masked.post(page, {**{name: form[name].value() or "" for name in form.fields}, "kind": "surgery", "attributes": ""})

    appointment.refresh_from_db()
    assert (appointment.kind, appointment.contact) == ("surgery", ada)


def test_samples_of_a_file_that_was_uploaded_are_masked(masked: Client, staff: Client) -> None:
    file = SimpleUploadedFile("people.csv", b"Mobile,Name\n+14155550123,Ada Byron\n")
    staff.post("/admin/contacts/contactimport/add/", {"file": file})
    page = f"/admin/contacts/contactimport/{ContactImport.objects.get().pk}/change/"

    assert NUMBER in staff.get(page).content.decode()
    seen = masked.get(page).content.decode()
    assert NUMBER not in seen
    assert "•••123" in seen
    assert "Ada Byron" in seen
