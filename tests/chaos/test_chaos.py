"""Processes killed, twins started, memory lost, while a campaign is under way: at its end nobody was texted twice,
nobody was skipped, and the hub knows of every message what the carrier knows."""

import random
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import redis
from django.conf import settings

from campaigns import control, launch
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from contacts import consent
from contacts.models import Suppression
from delivery.models import InboxReceipt, Message, MessageEvent
from delivery.states import Status
from tests.campaigns.scenes import at_once, crowd
from tests.chaos.scenes import EVERY_FAULT, PATIENCE, SCALE, SOME_FAULTS, end_well, moments
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import (
    draft,
    finished,
    launched,
    people,
    phones,
    wait_accepted,
    with_status,
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(4 * PATIENCE)]


def test_dispatch_workers_killed_under_every_fault(hub: Hub, rng: random.Random) -> None:
    size = int(600 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **EVERY_FAULT)
    hub.provider()
    everyone = people(size)
    campaign = launched(everyone)

    workers = rng.sample(["dispatch", "dispatch1"], 2)
    for worker, moment in zip(workers, moments(rng, 2, size), strict=True):
        wait_accepted(hub, moment, seconds=PATIENCE)
        wait_for(lambda: with_status(campaign, Status.SENDING), seconds=10, what="messages on their way")
        hub.kill(worker)

    end_well(hub, campaign, everyone, seconds=2 * PATIENCE)
    creates = hub.carrier.stats()["creates"]
    assert all(creates[fault] for fault in ("drop_after", "error_after", "garbage", "late", "drop_before"))
    assert hub.carrier.duplicates() == []
    # The kills met messages on their way: what the carrier answered died with the worker.
    answered = MessageEvent.objects.filter(source=MessageEvent.Source.PROVIDER).values("message_id")
    claimed = Message.objects.filter(campaign_id=campaign.pk, claimed_at__isnull=False)
    assert claimed.exclude(status=Status.SUPPRESSED).exclude(pk__in=answered).exists()


def test_a_dispatch_worker_killed_with_its_window_full_and_no_receipt_to_tell(hub: Hub, rng: random.Random) -> None:
    """What it had handed over is known to the carrier alone: it must be asked, and nothing sent before it says so."""
    size = int(150 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), latency_ms=300, receipt_delay_ms=100, receipts_lost_share=1.0)
    hub.provider(max_in_flight=40)
    everyone = people(size)
    campaign = launched(everyone)

    wait_accepted(hub, rng.randrange(20, 80))
    hub.kill("dispatch")
    hub.kill("dispatch1")

    end_well(hub, campaign, everyone)
    assert MessageEvent.objects.filter(fingerprint__startswith="lease:").exists()
    assert with_status(campaign, Status.DELIVERED) == size


def test_workers_killed_while_they_write_the_messages_and_read_the_receipts(hub: Hub, rng: random.Random) -> None:
    size = int(6000 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=300)
    everyone = crowd(size)
    # Most may not be texted: they are written down like everybody, and need no carrier.
    consent.suppress(
        phones=[phone for n, phone in enumerate(phones(everyone)) if n % 12],
        reason=Suppression.Reason.OPTED_OUT,
        evidence="form",
        actor=None,
    )
    campaign = launched(everyone)

    done = campaign.chunks.filter(done_at__isnull=False)
    for chunks in (1, 3):
        wait_for(lambda chunks=chunks: done.count() >= chunks, seconds=30, what=f"{chunks} chunks of the audience")
        hub.kill("loader")
    for moment in moments(rng, 2, size // 12):
        wait_accepted(hub, moment, seconds=60)
        wait_for(lambda: InboxReceipt.objects.exists() or finished(campaign), seconds=10, what="receipts to read")
        hub.kill("worker")

    end_well(hub, campaign, everyone)
    assert with_status(campaign, Status.SUPPRESSED) == size - size // 12


def test_no_clock_for_a_while_and_then_two(hub: Hub, rng: random.Random) -> None:
    size = int(300 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)
    wait_accepted(hub, rng.randrange(20, 60))

    hub.kill("beat", again=False)
    wait_accepted(hub, size // 2, seconds=PATIENCE)
    hub.start_one("beat")
    hub.start_one("beat", called="beat1")

    try:
        end_well(hub, campaign, everyone)
    finally:
        hub.processes.discard("beat1")


def test_redis_emptied_on_the_way(hub: Hub, rng: random.Random) -> None:
    size = int(400 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=300)
    everyone = people(size)
    campaign = launched(everyone)

    with redis.Redis.from_url(settings.REDIS_URL) as memory:
        memory.flushall()
        for moment in moments(rng, 3, size):
            wait_accepted(hub, moment, seconds=PATIENCE)
            memory.flushall()

    end_well(hub, campaign, everyone)


def test_the_web_server_killed_while_receipts_come_in(hub: Hub, rng: random.Random) -> None:
    size = int(400 * SCALE)
    # Every receipt tells something of its own, so that those that were answered can be counted.
    hub.carrier.reset(
        seed=rng.randrange(2**31), latency_ms=10, receipt_delay_ms=400, receipt_jitter_ms=300, queued_callback=False
    )
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)

    for moment in moments(rng, 2, size):
        wait_accepted(hub, moment, seconds=PATIENCE)
        hub.kill("web")
        hub.wait_healthy("web")

    end_well(hub, campaign, everyone)
    wait_for(lambda: not hub.carrier.stats()["callbacks_pending"], seconds=20, what="the carrier's last receipt")
    wait_for(lambda: not InboxReceipt.objects.exists(), seconds=10, what="an empty inbox")
    stats = hub.carrier.stats()
    known = MessageEvent.objects.filter(source=MessageEvent.Source.RECEIPT).count()
    assert stats["callbacks_retried"] > 0
    assert known >= stats["callbacks_ok"] > 0
    assert with_status(campaign, Status.DELIVERED) == size


def test_launched_twice_at_once_and_paused_and_resumed_without_end(hub: Hub, rng: random.Random) -> None:
    size = int(400 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=300)
    everyone = people(size)
    campaign = draft(everyone)

    launches = at_once(*[lambda: launch.launch(campaign=campaign, actor=None)] * 3)

    assert sorted(type(result).__name__ for result in launches) == ["Campaign", "CampaignError", "CampaignError"]
    hands = [restless(hub, campaign, random.Random(rng.random()), until=size * 6 // 10) for _ in range(3)]
    assert at_once(*hands) == [None] * 3
    while Campaign.objects.get(pk=campaign.pk).status == Campaign.Status.PAUSED:
        control.resume(campaign=campaign, actor=None)
    end_well(hub, campaign, everyone)
    assert campaign.events.filter(to_status=Campaign.Status.PAUSED).count() > 3


def restless(hub: Hub, campaign: Campaign, rng: random.Random, *, until: int) -> Callable[[], None]:
    """Somebody who presses pause and resume until the carrier has so many texts."""

    def press() -> None:
        while hub.carrier.summary()["accepted"] < until:
            with suppress(CampaignError):
                rng.choice([control.pause, control.resume])(campaign=campaign, actor=None)
            time.sleep(rng.uniform(0.0, 0.1))

    return press
