"""A provider that was just set up is checked, and sends a test to whoever set it up."""

import pytest
from django.test import Client

from delivery.models import Message, Sender
from tests import factories


def page(sender: Sender, name: str) -> str:
    return f"/admin/delivery/provider/{sender.provider_id}/{name}/"


@pytest.fixture
def sender(db: None) -> Sender:
    made: Sender = factories.SenderFactory(address="+16505550000")
    return made


def said(client: Client, address: str) -> str:
    return client.post(address, follow=True).content.decode()


def test_what_cannot_work_is_said_in_words(operator: Client, sender: Sender) -> None:
    assert "The settings are complete" in said(operator, page(sender, "check"))

    incomplete = factories.SenderFactory(provider=factories.ProviderFactory(adapter="twilio"))

    assert "The settings are complete" not in said(operator, page(incomplete, "check"))


def test_a_test_goes_by_the_sender_that_was_chosen_and_leads_to_its_message(operator: Client, sender: Sender) -> None:
    sent = {"phone": "(415) 555-0123", "sender": sender.pk, "body": "A test of SMSHub."}

    answer = operator.post(page(sender, "test"), sent)

    message = Message.objects.get()
    assert (message.recipient, message.sender_id, message.status) == ("+14155550123", sender.pk, "queued")
    assert answer["Location"] == f"/admin/delivery/message/{message.pk}/change/"


def test_no_test_goes_by_a_sender_of_another_provider_or_to_what_is_no_number(operator: Client, sender: Sender) -> None:
    other = factories.SenderFactory()

    operator.post(page(sender, "test"), {"phone": "+14155550123", "sender": other.pk, "body": "A test"})
    operator.post(page(sender, "test"), {"phone": "12", "sender": sender.pk, "body": "A test"})

    assert not Message.objects.exists()


def test_whoever_said_stop_gets_no_test(operator: Client, sender: Sender) -> None:
    factories.SuppressionFactory(phone="+14155550123")

    operator.post(page(sender, "test"), {"phone": "+14155550123", "sender": sender.pk, "body": "A test"})

    assert Message.objects.get().status == "suppressed"
