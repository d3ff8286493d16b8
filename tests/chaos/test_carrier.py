"""The carrier in one bad state after another, and several campaigns pressed about while workers die."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import connection

from campaigns import control, launch
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from delivery.states import Status
from tests.campaigns.scenes import at_once
from tests.chaos.scenes import PATIENCE, SCALE, SOME_FAULTS, end_well
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import draft, finished, launched, people, wait_accepted, with_status

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(4 * PATIENCE)]

#: Each on its own, and each undone by the next.
STORMS = {
    "slow": {"latency_ms": 2000},
    "refusing": {"outage": True},
    "throttling": {"throttle_share": 0.9, "max_in_flight": 3},
    "garbage": {"garbage_share": 1.0},
    "hanging up": {"drop_before_share": 0.5, "drop_after_share": 0.5},
}
CALM = {"latency_ms": 20, "receipt_delay_ms": 200, "receipts_lost_share": 0.05}


def test_one_storm_at_the_carrier_after_another(hub: Hub, rng: random.Random) -> None:
    size = int(250 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **CALM)
    hub.provider(rate=100, max_in_flight=20)
    everyone = people(size)
    campaign = launched(everyone)

    for storm in rng.sample(sorted(STORMS), len(STORMS)):
        requests = hub.carrier.stats()["requests"]
        undone = {knob: False if knob == "outage" else 0 for faults in STORMS.values() for knob in faults}
        hub.carrier.set_faults(**{**undone, **CALM, **STORMS[storm]})
        wait_for(
            lambda requests=requests: finished(campaign) or hub.carrier.stats()["requests"] >= requests + 15,
            seconds=PATIENCE,
            what=f"requests to a carrier that is {storm}",
        )
    hub.carrier.set_faults(**{**undone, **CALM})

    end_well(hub, campaign, everyone, seconds=2 * PATIENCE)
    assert with_status(campaign, Status.DELIVERED) == size


def test_campaigns_paused_resumed_and_cancelled_in_a_storm_while_workers_die(hub: Hub, rng: random.Random) -> None:
    """Each is launched by two at once, and pressed about by two; one of them is cancelled on the way."""
    size = int(120 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=150)
    everyone = people(size)
    campaigns = [draft(everyone) for _ in range(3)]
    doomed = rng.choice(campaigns)

    launches = at_once(*[lambda c=campaign: launch.launch(campaign=c, actor=None) for campaign in campaigns * 2])
    assert sum(isinstance(result, Campaign) for result in launches) == len(campaigns)

    until = size
    with ThreadPoolExecutor(2 * len(campaigns)) as people_at_it:
        hands = [
            people_at_it.submit(press, hub, campaign, random.Random(rng.random()), until=until)
            for campaign in campaigns * 2
        ]
        victims = rng.sample(["dispatch", "dispatch1", "worker", "loader"], 3)
        for victim, moment in zip(victims, sorted(rng.randrange(until // 10, until) for _ in victims), strict=True):
            wait_accepted(hub, moment, seconds=PATIENCE)
            hub.kill(victim)
            if victim == victims[0]:
                control.cancel(campaign=doomed, actor=None)
        for hand in hands:
            hand.result(PATIENCE)

    for campaign in campaigns:
        with suppress(CampaignError):
            control.resume(campaign=campaign, actor=None)
    for campaign in campaigns:
        end_well(hub, campaign, everyone)
    ends = {campaign.pk: Campaign.objects.get(pk=campaign.pk).status for campaign in campaigns}
    assert ends.pop(doomed.pk) == Campaign.Status.CANCELLED
    assert set(ends.values()) == {Campaign.Status.COMPLETED}


def press(hub: Hub, campaign: Campaign, rng: random.Random, *, until: int) -> None:
    """Pause and resume it by chance until the carrier has so many texts."""
    try:
        while hub.carrier.summary()["accepted"] < until:
            with suppress(CampaignError):
                rng.choice([control.pause, control.resume])(campaign=campaign, actor=None)
            time.sleep(rng.uniform(0.0, 0.1))
    finally:
        connection.close()
