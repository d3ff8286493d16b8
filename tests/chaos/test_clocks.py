"""Workers whose clock is an hour off, and a carrier whose lists lag behind: nobody is texted twice for it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from delivery.models import Message
from delivery.states import Status
from tests.chaos.scenes import PATIENCE, SCALE, SOME_FAULTS, end_well
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import launched, people, wait_accepted, with_status

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(4 * PATIENCE)]

HOUR = 3600.0


@contextmanager
def clocks_off(hub: Hub, **seconds: float) -> Iterator[None]:
    """These programs run with another clock for a while."""

    def start_anew(**clocks: float) -> None:
        for name, off in clocks.items():
            hub.kill(name, again=False)
            hub.start_one(name.rstrip("0123456789"), called=name, clock_off=off)
        hub.wait_healthy(*clocks)

    start_anew(**seconds)
    try:
        yield
    finally:
        start_anew(**dict.fromkeys(seconds, 0.0))


def test_workers_that_live_in_other_times(hub: Hub, rng: random.Random) -> None:
    """One that sends is an hour ahead, one behind, and the only other either. Requests take longer than the questions
    about them would: whoever swept or believed too early would text twice.
    """
    size = int(120 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS | {"latency_ms": 1500})
    hub.provider(max_in_flight=30)
    everyone = people(size)
    with clocks_off(hub, dispatch=HOUR, dispatch1=-HOUR, worker=rng.choice([HOUR, -HOUR])):
        campaign = launched(everyone)
        wait_accepted(hub, size // 2, seconds=PATIENCE)
        end_well(hub, campaign, everyone)
    assert hub.carrier.duplicates() == []


def test_a_message_that_does_not_show_up_in_lists_at_once_is_not_sent_again(hub: Hub, rng: random.Random) -> None:
    """It is asked about from 2 s on, and an absence is believed after 8."""
    size = int(60 * SCALE)
    hub.carrier.reset(
        seed=rng.randrange(2**31),
        listing_delay_ms=5_000,
        drop_after_share=0.4,
        drop_before_share=0.1,
        receipts_lost_share=1.0,
        receipt_delay_ms=100,
    )
    hub.provider()
    everyone = people(size)
    campaign = launched(everyone)
    wait_for(lambda: hub.carrier.summary()["creates_seen"] >= size, seconds=PATIENCE, what="all first attempts")
    hub.carrier.set_faults(drop_after_share=0, drop_before_share=0)

    end_well(hub, campaign, everyone)
    creates = hub.carrier.stats()["creates"]
    again = Message.objects.filter(campaign_id=campaign.pk, attempt__gt=1).count()
    assert creates["drop_after"] > 0
    assert again <= creates["drop_before"], "only what was never there is sent again"
    assert with_status(campaign, Status.DELIVERED) == size
