"""Webhooks out of the running hub: a campaign's messages, a text, an opt-out; and the process that tells, killed."""

import pytest
from django.utils import timezone

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.webhooks import endpoints
from tests.delivery.webhooks.receiver import Receiver, receiving
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import launched, people

pytestmark = pytest.mark.pipeline

RANK = ["message.accepted", "message.sent", "message.delivered"]


def subscribe(receiver: Receiver, *events: str) -> str:
    return endpoints.make(url=receiver.url, events=events, by="tests")[1]


def by_message(receiver: Receiver) -> dict[str, list[str]]:
    """What was told of each message, each event once, in the order of its coming."""
    told: dict[str, list[str]] = {}
    for subject, kind in receiver.told():
        if kind not in told.setdefault(subject, []):
            told[subject].append(kind)
    return told


def test_every_message_of_a_campaign_is_told_in_order_though_the_teller_is_killed(hub: Hub) -> None:
    hub.provider()
    size = 150
    with receiving() as receiver:
        secret = subscribe(receiver, *RANK)
        launched(people(size))
        wait_for(lambda: len(receiver.requests) > size / 3, seconds=60, what="the first of them")
        hub.kill("webhooks", again=False)
        # A minute later the dead process's turn is over.
        WebhookEndpoint.objects.update(lease_until=timezone.now())
        hub.start_one("webhooks")

        def all_told() -> bool:
            told = by_message(receiver)
            return len(told) == size and all(kinds[-1] == "message.delivered" for kinds in told.values())

        wait_for(all_told, seconds=150, what="word of every message's delivery")
        wait_for(lambda: not WebhookDelivery.objects.filter(state=0).exists(), seconds=90, what="the record of it")

    for kinds in by_message(receiver).values():
        assert kinds == sorted(kinds, key=RANK.index)
    written = {f"evt_{event.hex}" for event in WebhookDelivery.objects.values_list("event_id", flat=True)}
    assert written == set(receiver.ids())
    assert receiver.requests[-1].verified(secret)
