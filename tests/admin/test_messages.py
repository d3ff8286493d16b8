"""What became of a message, in words; and who sees numbers and texts."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from delivery.models import Inbound, Message, MessageRequest
from delivery.states import Status
from tests import factories
from tests.admin.conftest import at_the_keyboard


@pytest.fixture
def auditor(db: None) -> Client:
    """May see messages, but not whom they are for."""
    user = factories.UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_message", "view_inbound"]))
    return at_the_keyboard(user)


def undelivered() -> str:
    provider = factories.ProviderFactory(adapter="twilio")
    message = factories.MessageFactory(
        sender=factories.SenderFactory(provider=provider),
        recipient="+14155550123",
        body="Your table is ready, Ada.",
        status=Status.UNDELIVERED,
        reason="unreachable",
        error_code="30003",
    )
    factories.MessageEventFactory(message=message, status=Status.SENT)
    factories.MessageEventFactory(message=message, status=Status.UNDELIVERED, reason="unreachable", code="30003")
    return f"/admin/delivery/message/{message.pk}/change/"


def test_a_message_tells_its_story(staff: Client) -> None:
    html = staff.get(undelivered()).content.decode()

    assert "The carrier could not deliver it." in html
    assert "Handset off or out of reach" in html
    assert "send again later" in html
    assert html.count('data-testid="event"') == 2
    assert 'data-testid="code-link"' in html
    assert 'rel="noopener noreferrer"' in html


def test_staff_see_the_number_and_the_text(staff: Client) -> None:
    html = staff.get(undelivered()).content.decode()

    assert "+14155550123" in html
    assert "Your table is ready, Ada." in html


def test_a_text_that_is_no_longer_kept_is_called_so(staff: Client) -> None:
    message = factories.MessageFactory(status=Status.DELIVERED)
    Message.objects.filter(pk=message.pk).update(sealed_body=None)
    inbound = factories.InboundFactory()
    Inbound.objects.filter(pk=inbound.pk).update(sealed_body=None)

    for page in (f"message/{message.pk}/change/", "inbound/", f"inbound/{inbound.pk}/change/"):
        assert "No longer kept" in staff.get(f"/admin/delivery/{page}").content.decode(), page


def test_who_may_not_see_contacts_sees_neither_numbers_nor_texts(auditor: Client) -> None:
    one = undelivered()
    factories.InboundFactory(phone="+14155550123", body="Thank you, it is Ada.")

    for page in (one, "/admin/delivery/message/", "/admin/delivery/inbound/"):
        html = auditor.get(page).content.decode()
        assert "+14155550123" not in html, page
        assert "Ada" not in html, page
        assert "+1 •••••••123" in html, page


def test_who_may_not_see_numbers_cannot_search_for_them(auditor: Client) -> None:
    undelivered()

    assert "+1 •" not in auditor.get("/admin/delivery/message/", {"q": "+14155550123"}).content.decode()


def test_a_message_that_does_not_exist(staff: Client) -> None:
    gone = "/admin/delivery/message/01890000-0000-7000-8000-000000000000/change/"

    assert staff.get(gone).status_code == 404


def test_a_message_shows_what_its_caller_said_of_it(staff: Client, auditor: Client) -> None:
    message = factories.MessageFactory()
    MessageRequest.objects.create(
        message=message, api_key_id=1, client_reference="order-4711", metadata={"shop": "Elm Street"}
    )

    html = staff.get(f"/admin/delivery/message/{message.pk}/change/").content.decode()

    assert "order-4711" in html
    assert "Elm Street" in html
    assert "Elm Street" not in auditor.get(f"/admin/delivery/message/{message.pk}/change/").content.decode()
