"""Sent again: one event or those of a time, under the ids that they had."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.models import WebhookDelivery
from delivery.webhooks import replay
from tests.delivery.webhooks.scenes import State
from tests.webhook_factories import WebhookDeliveryFactory, WebhookFactory

pytestmark = pytest.mark.django_db

NOON = timezone.now().replace(microsecond=0) - timedelta(hours=5)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def waiting() -> set[int]:
    return set(WebhookDelivery.objects.filter(state=State.WAITING).values_list("pk", flat=True))


def test_one_event_keeps_its_id_and_its_place() -> None:
    sent = WebhookDeliveryFactory(state=State.DELIVERED, tries=3, at=NOON, ended_at=NOON)
    WebhookDeliveryFactory(state=State.DELIVERED, endpoint=sent.endpoint)

    done = replay.one(sent.endpoint, sent.event_id)

    again = WebhookDelivery.objects.get(pk=sent.pk)
    assert (done.number, done.is_all) == (1, True)
    assert (again.event_id, again.state, again.tries, again.ended_at) == (sent.event_id, State.WAITING, 0, None)
    assert waiting() == {sent.pk}
    assert again.at == sent.at


def test_it_goes_to_the_one_endpoint_that_was_named() -> None:
    sent = WebhookDeliveryFactory(state=State.DELIVERED)
    WebhookDeliveryFactory(state=State.DELIVERED, event_id=sent.event_id)
    assert replay.one(sent.endpoint, sent.event_id).number == 1
    assert waiting() == {sent.pk}


def test_what_waits_or_is_not_kept_is_left_as_it_is() -> None:
    waits = WebhookDeliveryFactory(tries=2)
    emptied = WebhookDeliveryFactory(state=State.DELIVERED, data=None, endpoint=waits.endpoint)
    assert replay.one(waits.endpoint, waits.event_id).number == 0
    assert replay.one(waits.endpoint, emptied.event_id).number == 0
    waits.refresh_from_db()
    assert waits.tries == 2


@pytest.mark.parametrize(("delivered_too", "expected"), [(False, {2}), (True, {1, 2})])
def test_of_a_time_what_was_given_up_or_all(delivered_too: bool, expected: set[int]) -> None:
    endpoint = WebhookFactory()
    states = [State.GIVEN_UP, State.DELIVERED, State.GIVEN_UP, State.GIVEN_UP]
    rows = [
        WebhookDeliveryFactory(endpoint=endpoint, state=state, at=NOON + minutes(number))
        for number, state in enumerate(states)
    ]
    replay.between(endpoint, NOON + minutes(1), NOON + minutes(3), delivered_too=delivered_too)
    assert waiting() == {rows[number].pk for number in expected}


def test_more_than_one_request_does_goes_on_from_where_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST", 2)
    endpoint = WebhookFactory()
    for number in range(3):
        WebhookDeliveryFactory(endpoint=endpoint, state=State.GIVEN_UP, at=NOON + minutes(number))

    first = replay.between(endpoint, NOON, NOON + minutes(9), delivered_too=False)
    assert (first.number, first.last, first.is_all) == (2, NOON + minutes(1), False)
    assert first.last is not None
    second = replay.between(endpoint, first.last, NOON + minutes(9), delivered_too=False)
    assert (second.number, second.is_all) == (1, True)
