"""Other systems are told of what happens: signed, in order, at least once."""

import pytest

from delivery.inbound.store import store
from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.providers.base import InboundText
from delivery.states import Status
from delivery.webhooks import endpoints, outbox
from delivery.webhooks.courier import Courier
from tests.delivery.webhooks.receiver import receiving, wait_for
from tests.delivery.webhooks.scenes import in_a_while, subscribe, told_message
from tests.factories import ProviderFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_status_of_a_message_is_told_in_order_and_signed(courier: Courier) -> None:
    with receiving() as receiver:
        _, secret = subscribe(receiver.url)
        message = told_message()
        wait_for(lambda: len(receiver.requests) == 3, what="three events")

    assert [request.verified(secret)["type"] for request in receiver.requests] == [
        "message.accepted",
        "message.sent",
        "message.delivered",
    ]
    assert receiver.requests[2].event["data"] == {
        "id": str(message.pk),
        "to": message.recipient,
        "status": "delivered",
        "reason": "",
        "error_code": "",
        "attempt": 1,
        "campaign": None,
        "contact": None,
        "segments": 1,
        "metadata": {},
        "client_reference": "",
        "is_test": False,
    }
    wait_for(lambda: WebhookDelivery.objects.filter(state=1).count() == 3, what="the record of it")
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since, endpoint.last_error) == (0, None, "")
    assert endpoint.last_success_at


def test_after_a_rotation_both_secrets_verify_and_later_only_the_new_one(courier: Courier) -> None:
    with receiving() as receiver:
        endpoint, old = subscribe(receiver.url)
        new = endpoints.rotate(endpoint)
        outbox.ping(endpoint)
        wait_for(lambda: len(receiver.requests) == 1, what="a test")
        wait_for(lambda: WebhookEndpoint.objects.get().lease_until is None, what="the end of the turn")
        WebhookEndpoint.objects.update(previous_until=endpoint.created_at)
        outbox.ping(endpoint)
        wait_for(lambda: len(receiver.requests) == 2, what="another test")

    both, later = receiver.requests
    assert both.verified(old) == both.verified(new)
    assert later.verified(new)["type"] == "webhook.ping"
    with pytest.raises(Exception, match="No matching signature"):
        later.verified(old)


def test_what_a_person_wrote_is_told_with_its_words(courier: Courier) -> None:
    with receiving() as receiver:
        _, secret = subscribe(receiver.url, "inbound.received")
        store(ProviderFactory().pk, InboundText("MO1", "+14155550100", "+16505550000", "Ça va? 你好"))
        wait_for(lambda: receiver.requests, what="the text")
    assert receiver.requests[0].verified(secret)["data"]["body"] == "Ça va? 你好"


def test_one_that_failed_is_sent_again_under_its_id(courier: Courier) -> None:
    with receiving() as receiver:
        subscribe(receiver.url)
        receiver.behave = lambda _receiver, connection, number: connection.sendall(
            b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (500 if number == 1 else 204)
        )
        told_message(Status.DELIVERED)
        wait_for(lambda: WebhookDelivery.objects.filter(tries=1).exists(), what="a failure")
        assert [attempt.error for attempt in WebhookDelivery.objects.get().attempts.all()] == ["Answered 500."]
        in_a_while()
        courier.wake()
        wait_for(lambda: WebhookDelivery.objects.filter(state=1).exists(), what="another attempt")
    first, second = receiver.requests
    assert first.id == second.id
    assert first.headers["webhook-signature"]


def test_what_comes_later_about_a_message_waits_for_what_came_before(courier: Courier) -> None:
    with receiving() as receiver:
        refuses_first = [True]

        def behave(receiver: object, connection: object, number: int) -> None:
            accepted = b'"message.accepted"' in receiver.requests[-1].body  # type: ignore[attr-defined]
            status = 500 if accepted and refuses_first[0] else 204
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)  # type: ignore[attr-defined]

        receiver.behave = behave
        endpoint, _ = subscribe(receiver.url)
        message = told_message()
        wait_for(lambda: WebhookDelivery.objects.filter(tries=1).exists(), what="a failure")
        outbox.ping(endpoint)
        wait_for(lambda: WebhookDelivery.objects.filter(state=1).exists(), what="what is about something else")
        assert [kind for _, kind in receiver.told() if kind != "webhook.ping"] == ["message.accepted"]
        refuses_first[0] = False
        in_a_while()
        courier.wake()
        wait_for(lambda: WebhookDelivery.objects.filter(state=1).count() == 4, what="the rest")
    assert [kind for subject, kind in receiver.told() if subject == str(message.pk)] == [
        "message.accepted",
        "message.accepted",
        "message.sent",
        "message.delivered",
    ]


def test_two_couriers_tell_each_event_once(courier: Courier) -> None:
    other = Courier()
    other.start()
    try:
        with receiving() as receiver:
            subscribe(receiver.url)
            messages = [told_message() for _ in range(40)]
            wait_for(lambda: len(receiver.requests) >= 120, what="all of them")
            wait_for(lambda: not WebhookDelivery.objects.filter(state=0).exists(), what="the record of it")
    finally:
        other.close()
    assert len(set(receiver.ids())) == len(receiver.ids()) == 120
    for message in messages:
        kinds = [kind for subject, kind in receiver.told() if subject == str(message.pk)]
        assert kinds == ["message.accepted", "message.sent", "message.delivered"]


def test_a_lease_that_its_process_did_not_outlive_is_another_s(courier: Courier) -> None:
    with receiving() as receiver:
        endpoint, _ = subscribe(receiver.url)
        WebhookEndpoint.objects.update(lease_until="2200-01-01T00:00:00Z", turn=7)
        told_message(Status.ACCEPTED)
        courier.wake()
        assert not receiver.requests
        WebhookEndpoint.objects.update(lease_until="2000-01-01T00:00:00Z")
        courier.wake()
        wait_for(lambda: receiver.requests, what="the event")
    assert endpoint.pk == WebhookEndpoint.objects.get(turn__gt=7).pk
