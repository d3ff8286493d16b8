"""Pause, resume and cancel, with texts on their way."""

import pytest
from django.utils import timezone

from campaigns import control
from delivery.models import Message
from delivery.states import Status
from delivery.submit import submit
from tests import ledger
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import (
    contact_ids,
    delivered,
    launched,
    people,
    wait_accepted,
    wait_finished,
    with_status,
)

pytestmark = pytest.mark.pipeline


def test_a_pause_stops_claims_at_once_and_resuming_neither_skips_nor_repeats(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=100, latency_ms=100)
    hub.provider(rate=150)
    everyone = people(150)
    campaign = launched(everyone)
    wait_accepted(hub, 60)

    control.pause(campaign=campaign, actor=None)
    paused = timezone.now()

    wait_for(lambda: not with_status(campaign, Status.SENDING), seconds=2, what="the last of what was in flight")
    sent = len(ledger.handed_over(campaign, hub.carrier))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert rows.filter(status=Status.QUEUED).exists()
    assert not rows.filter(claimed_at__gt=paused).exists()
    # The workers are awake: another text overtakes the paused campaign.
    wait_for(delivered(submit(recipient="+14155550100", body="Meanwhile")), seconds=10, what="another text")
    assert len(ledger.handed_over(campaign, hub.carrier)) == sent < 150

    control.resume(campaign=campaign, actor=None)

    wait_finished(campaign, seconds=30)
    assert with_status(campaign, Status.DELIVERED) == 150
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_cancelling_leaves_an_exact_split(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=100, latency_ms=50, throttle_share=0.1)
    hub.provider(rate=150)
    everyone = people(200)
    campaign = launched(everyone)
    wait_accepted(hub, 50)

    control.cancel(campaign=campaign, actor=None)
    cancelled = timezone.now()

    wait_finished(campaign, seconds=30)
    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert not rows.filter(claimed_at__gt=cancelled).exists()
    sent = len(ledger.handed_over(campaign, hub.carrier))
    assert with_status(campaign, Status.DELIVERED) == sent >= 50
    assert with_status(campaign, Status.CANCELLED) == 200 - sent > 0
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_a_paused_campaign_can_be_cancelled(hub: Hub) -> None:
    hub.provider(rate=50)
    everyone = people(120)
    campaign = launched(everyone)
    wait_accepted(hub, 10)

    control.pause(campaign=campaign, actor=None)
    control.cancel(campaign=campaign, actor=None)

    wait_finished(campaign, seconds=20)
    assert with_status(campaign, Status.CANCELLED) > 0
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))
