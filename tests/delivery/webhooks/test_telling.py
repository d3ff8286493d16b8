"""Other systems are told of what happens: signed, in order, at least once."""

import pytest

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.states import Status
from delivery.webhooks import endpoints
from delivery.webhooks.courier import Courier
from tests.delivery.webhooks.receiver import receiving, wait_for
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


def subscribe(url: str, *events: str) -> tuple[WebhookEndpoint, str]:
    return endpoints.make(url=url, events=events or ["*"], by="tests")


def move(message: object, *statuses: Status) -> None:
    for status in statuses:
        type(message).objects.filter(pk=message.pk).update(status=status)


def test_each_status_of_a_message_is_told_in_order_and_signed(courier: Courier) -> None:
    with receiving() as receiver:
        _, secret = subscribe(receiver.url)
        message = MessageFactory(status=Status.SENDING)
        move(message, Status.ACCEPTED, Status.SENT, Status.DELIVERED)
        wait_for(lambda: len(receiver.requests) == 3, what="three events")

    assert [request.verified(secret)["type"] for request in receiver.requests] == [
        "message.accepted",
        "message.sent",
        "message.delivered",
    ]
    event = receiver.requests[2].event
    assert event["data"] | {"contact": None} == {
        "id": str(message.pk),
        "to": message.recipient,
        "status": "delivered",
        "reason": "",
        "error_code": "",
        "attempt": 1,
        "campaign": None,
        "contact": None,
        "segments": 1,
    }
    wait_for(lambda: WebhookDelivery.objects.filter(state=1).count() == 3, what="the record of it")
