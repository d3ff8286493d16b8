"""A message that names an address itself has it told of its statuses, signed with a secret of its caller's key."""

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from delivery.models import Message, MessageRequest, WebhookDelivery, WebhookEndpoint
from delivery.states import Status
from delivery.webhooks import signing, upkeep
from delivery.webhooks.courier import Courier
from tests.delivery.webhooks.receiver import receiving, wait_for
from tests.delivery.webhooks.scenes import long_ago, move, states, subscribe
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db

URL = "https://Shop.example.org:8443/hooks/7?token=1"


def asked(url: str = URL, *, status: Status = Status.SENDING, api_key_id: int = 7, **more: Any) -> Message:
    message: Message = MessageFactory(status=status, **more)
    MessageRequest.objects.create(
        message=message, api_key_id=api_key_id, status_webhook=url, metadata={"order": "4711"}, client_reference="A1"
    )
    return message


@pytest.mark.django_db(transaction=True)
def test_it_is_told_in_order_signed_and_with_what_its_caller_said(courier: Courier) -> None:
    with receiving() as receiver:
        message = asked(receiver.url + "/7?token=1")
        move(message, Status.ACCEPTED, Status.SENT, Status.DELIVERED)
        wait_for(lambda: len(receiver.requests) == 3, what="three events")

    secret = signing.secret_of_key(7)
    assert [request.verified(secret)["type"] for request in receiver.requests] == [
        *("message.accepted", "message.sent", "message.delivered")
    ]
    assert {request.path for request in receiver.requests} == {"/hooks/7?token=1"}
    data = receiver.requests[0].event["data"]
    assert (data["metadata"], data["client_reference"], data["is_test"]) == ({"order": "4711"}, "A1", False)


def test_each_key_and_host_is_one_endpoint_however_many_addresses() -> None:
    for url, key in ((URL, 7), (URL + "2", 7), (URL, 8), ("https://other.example.org", 7)):
        move(asked(url, api_key_id=key), Status.ACCEPTED)
    assert sorted(WebhookEndpoint.objects.values_list("api_key_id", "url")) == [
        (7, "https://other.example.org"),
        (7, "https://shop.example.org:8443"),
        (8, "https://shop.example.org:8443"),
    ]
    assert set(WebhookDelivery.objects.values_list("url", flat=True)) == {URL, URL + "2", "https://other.example.org"}


def test_webhooks_of_all_hear_it_too_and_nothing_of_theirs_goes_to_the_message_s_address() -> None:
    endpoint, _ = subscribe("https://example.org/hooks")
    message = asked()
    move(message, Status.ACCEPTED)
    move(MessageFactory(status=Status.SENDING), Status.ACCEPTED)
    assert sorted(WebhookDelivery.objects.values_list("endpoint_id", "subject").filter(endpoint=endpoint))
    assert WebhookDelivery.objects.filter(endpoint=endpoint).count() == 2
    assert WebhookDelivery.objects.exclude(endpoint=endpoint).get().subject == message.pk


def test_one_without_an_address_is_told_nothing_and_what_does_not_change_is_no_event() -> None:
    move(asked(""), Status.ACCEPTED)
    message = asked()
    move(message, Status.ACCEPTED, Status.ACCEPTED)
    Message.objects.filter(pk=message.pk).update(ask_at=timezone.now())
    assert states() == [("message.accepted", "waiting")]


def test_one_that_was_suppressed_from_its_beginning_is_told() -> None:
    asked(status=Status.SUPPRESSED, reason="opted_out")
    assert states() == [("message.suppressed", "waiting")]
    assert WebhookDelivery.objects.get().data["reason"] == "opted_out"


def test_a_failure_that_is_tried_again_at_once_is_taken_back() -> None:
    with transaction.atomic():
        message = asked()
        move(message, Status.ACCEPTED, Status.FAILED)
        move(message, Status.QUEUED, attempt=2)
    assert states() == [("message.accepted", "waiting")]


def test_a_key_that_names_ever_new_hosts_gets_so_many() -> None:
    for number in range(55):
        move(asked(f"https://host{number}.example.org/"), Status.ACCEPTED)
    assert WebhookEndpoint.objects.count() == 50


def test_what_nobody_knows_of_any_more_is_forgotten() -> None:
    move(asked(), Status.ACCEPTED)
    WebhookEndpoint.objects.update(created_at=long_ago(2))
    assert upkeep.forget_unused() == 0
    WebhookDelivery.objects.all().delete()
    assert upkeep.forget_unused() == 1


def test_who_is_switched_off_is_owed_nothing() -> None:
    move(asked(), Status.ACCEPTED)
    WebhookEndpoint.objects.update(enabled=False)
    move(asked(), Status.ACCEPTED)
    assert WebhookDelivery.objects.count() == 1


def test_secrets_of_keys_differ() -> None:
    assert signing.secret_of_key(7) == signing.secret_of_key(7) != signing.secret_of_key(8)
