"""Endpoints that are slow, dead, flapping, hostile: what happens to them, and that nobody else notices."""

import socket
from typing import Any

import pytest
from django.core import mail

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.states import Status
from delivery.webhooks import courier as couriers
from delivery.webhooks import outbox, post, schedule
from delivery.webhooks.courier import Courier
from smshub.quickstart.servers import free_port
from tests.delivery.webhooks.receiver import (
    Behaviour,
    answer,
    drips,
    flapping,
    floods,
    receiving,
    silent,
    takes,
    wait_for,
)
from tests.delivery.webhooks.scenes import State, in_a_while, states, subscribe, told_message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the courier is made: its sessions have the time-out."""
    monkeypatch.setattr(post, "TIMEOUT_SECONDS", 0.5)


@pytest.fixture
def courier(_quick: None, courier: Courier) -> Courier:
    return courier


def failed(number: int = 1) -> Any:
    return lambda: WebhookEndpoint.objects.filter(failures__gte=number).exists()


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (silent, "No answer within 0 seconds."),
        (drips, "No answer within 0 seconds."),
        (answer(500), "Answered 500."),
        (answer(404, body=b"not here"), "Answered 404."),
        (lambda _r, connection, _n: connection.sendall(b"What?\r\n\r\n"), "The connection failed ("),
        (lambda _r, connection, _n: connection.shutdown(socket.SHUT_RDWR), "The connection failed ("),
    ],
    ids=["silent", "drips", "500", "404", "garbage", "closes"],
)
def test_whatever_is_no_2xx_is_a_failure_in_words(courier: Courier, behave: Behaviour, error: str) -> None:
    with receiving(behave) as receiver:
        subscribe(receiver.url)
        told_message(Status.DELIVERED)
        wait_for(failed(), what="a failure")
    assert WebhookEndpoint.objects.get().last_error.startswith(error)
    assert states() == [("message.delivered", "waiting")]


def test_a_redirect_is_not_followed(courier: Courier) -> None:
    with receiving() as elsewhere, receiving(answer(302, f"Location: {elsewhere.url}")) as receiver:
        subscribe(receiver.url)
        told_message(Status.DELIVERED)
        wait_for(failed(), what="a failure")
        assert elsewhere.requests == []
    assert WebhookEndpoint.objects.get().last_error == "Answered 302: redirects are not followed."


def test_an_answer_without_end_is_not_read(courier: Courier) -> None:
    with receiving(floods) as receiver:
        subscribe(receiver.url)
        told_message(Status.DELIVERED)
        wait_for(lambda: WebhookDelivery.objects.filter(state=State.DELIVERED).exists(), what="its taking")


def test_a_good_endpoint_does_not_wait_for_slow_and_dead_ones(courier: Courier) -> None:
    with receiving(silent) as slow, receiving() as good:
        subscribe(f"http://127.0.0.1:{free_port(0)}/nobody")
        subscribe(slow.url)
        subscribe(good.url)
        messages = [told_message() for _ in range(20)]
        wait_for(lambda: len(good.requests) == 60, what="all events at the good one")
        assert len(set(good.ids())) == 3 * len(messages)
        assert slow.most_open <= couriers.IN_FLIGHT
    assert WebhookDelivery.objects.filter(state=State.DELIVERED).values("endpoint").distinct().count() == 1


def test_one_that_is_down_is_tried_with_one_event_at_a_time(courier: Courier) -> None:
    with receiving(answer(503)) as receiver:
        subscribe(receiver.url)
        for _ in range(30):
            told_message(Status.DELIVERED)
        wait_for(failed(schedule.DOWN_AFTER), what="that it is taken for down")
        wait_for(lambda: WebhookEndpoint.objects.get().lease_until is None, what="the end of the turn")
        before = len(receiver.requests)
        WebhookEndpoint.objects.update(not_before=None)
        courier.wake()
        wait_for(failed(schedule.DOWN_AFTER + 1), what="another attempt")
        assert len(receiver.requests) == before + 1
        assert before <= couriers.IN_FLIGHT + couriers.IN_FLIGHT // 2

        receiver.behave = takes
        in_a_while()
        courier.wake()
        wait_for(lambda: not WebhookDelivery.objects.filter(state=State.WAITING).exists(), what="all of them")
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_a_flapping_one_gets_everything_in_order(courier: Courier) -> None:
    with receiving(flapping("+--+-")) as receiver:
        subscribe(receiver.url)
        messages = [told_message() for _ in range(15)]

        def all_taken() -> bool:
            in_a_while()
            courier.wake()
            return not WebhookDelivery.objects.filter(state=State.WAITING).exists()

        wait_for(all_taken, what="all of them", seconds=40)
    for message in messages:
        kinds = [kind for subject, kind in receiver.told() if subject == str(message.pk)]
        assert list(dict.fromkeys(kinds)) == ["message.accepted", "message.sent", "message.delivered"]
        assert kinds == sorted(kinds, key=["message.accepted", "message.sent", "message.delivered"].index)


def test_who_wants_no_more_is_switched_off_at_once_and_the_operator_is_told(courier: Courier, settings: Any) -> None:
    settings.NOTICE_EMAILS = ["operator@example.org"]
    with receiving(answer(410)) as receiver:
        subscribe(receiver.url)
        told_message(Status.DELIVERED)
        wait_for(lambda: not WebhookEndpoint.objects.get().enabled, what="its end")
        wait_for(lambda: mail.outbox, what="a notice")
        told_message(Status.DELIVERED)
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.disabled_reason == "It answered 410: it wants no more."
    assert WebhookDelivery.objects.count() == 1
    assert str(endpoint.pk) in mail.outbox[0].subject
    assert "410" in mail.outbox[0].body


def test_what_an_endpoint_asks_for_is_kept(courier: Courier) -> None:
    with receiving(answer(429, "Retry-After: 1200")) as receiver:
        endpoint, _ = subscribe(receiver.url)
        outbox.ping(endpoint)
        wait_for(failed(), what="a refusal")
    after = WebhookEndpoint.objects.get()
    assert after.not_before is not None
    assert after.last_error_at is not None
    assert 1190 < (after.not_before - after.last_error_at).total_seconds() < 1210


def test_a_secret_that_cannot_be_read_switches_its_endpoint_off(courier: Courier, settings: Any) -> None:
    with receiving() as receiver:
        endpoint, _ = subscribe(receiver.url)
        settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        outbox.ping(endpoint)
        wait_for(lambda: not WebhookEndpoint.objects.defer("secret").get().enabled, what="its end")
        assert not receiver.requests
