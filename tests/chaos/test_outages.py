"""The servers taken away under a running campaign: what they kept is whole, what they forgot is made up for, and
everybody goes on by himself when they are back."""

import random
import signal
import time

import pytest
from django.db import connection

from delivery.models import InboxReceipt
from tests.chaos.scenes import PATIENCE, SCALE, SOME_FAULTS, end_well, moments
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import launched, people, wait_accepted
from tests.servers import READ_ONLY, Servers

#: How often a server goes away in one campaign.
OUTAGES = 1 if SCALE <= 1 else 3

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(4 * PATIENCE),
    pytest.mark.usefixtures("everybody_begins_anew_afterwards"),
]


def accepted(hub: Hub) -> int:
    return hub.carrier.summary()["accepted"]


def wait_standstill(hub: Hub) -> None:
    """Until the carrier has been given nothing for a second, in which all of these campaigns would have been sent."""
    had, since = accepted(hub), time.monotonic()

    def still() -> bool:
        nonlocal had, since
        if (now := accepted(hub)) != had:
            had, since = now, time.monotonic()
        return time.monotonic() - since > 1

    wait_for(still, seconds=PATIENCE, what="a standstill")


def test_redis_killed_and_stopped_and_back_without_its_memory(hub: Hub, servers: Servers, rng: random.Random) -> None:
    size = int(200 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)

    for moment, how in zip(moments(rng, 2, size), rng.sample([signal.SIGKILL, signal.SIGTERM], 2), strict=True):
        wait_accepted(hub, moment, seconds=PATIENCE)
        servers.kill("redis", how)
        # What had leave to go goes; after that nothing has.
        wait_standstill(hub)
        assert accepted(hub) < size, "without a limiter nothing is sent"
        servers.start("redis")

    end_well(hub, campaign, everyone, bursts=3)


def test_postgres_crashed_while_texts_leave_and_receipts_come(hub: Hub, servers: Servers, rng: random.Random) -> None:
    size = int(200 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)

    for moment in moments(rng, OUTAGES, size):
        wait_accepted(hub, moment, seconds=PATIENCE)
        servers.kill("postgres", signal.SIGQUIT)
        connection.close()
        refused = hub.carrier.stats()["callbacks_retried"]
        wait_for(
            lambda refused=refused: hub.carrier.stats()["callbacks_retried"] > refused,
            seconds=PATIENCE,
            what="receipts that could not be stored",
        )
        servers.start("postgres")

    end_well(hub, campaign, everyone)


def test_all_connections_to_postgres_cut_again_and_again(hub: Hub, servers: Servers, rng: random.Random) -> None:
    size = int(200 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)
    database = connection.settings_dict["NAME"]

    for moment in moments(rng, 1 + 2 * OUTAGES, size):
        wait_accepted(hub, moment, seconds=PATIENCE)
        servers.cut_connections(database)
        connection.close()

    end_well(hub, campaign, everyone)


def test_postgres_takes_no_writes_for_a_while(hub: Hub, servers: Servers, rng: random.Random) -> None:
    """To the hub it is the same whether its disk is full, it recovers, or another server has taken its place."""
    size = int(200 * SCALE)
    hub.carrier.reset(seed=rng.randrange(2**31), **SOME_FAULTS)
    hub.provider(rate=200)
    everyone = people(size)
    campaign = launched(everyone)

    for moment in moments(rng, OUTAGES, size):
        wait_accepted(hub, moment, seconds=PATIENCE)
        with servers.postgres_with(**READ_ONLY):
            refused = hub.carrier.stats()["callbacks_retried"]
            wait_for(
                lambda refused=refused: hub.carrier.stats()["callbacks_retried"] > refused,
                seconds=PATIENCE,
                what="receipts that could not be stored",
            )
            # What was claimed before goes; nothing is claimed any more.
            wait_standstill(hub)
            assert accepted(hub) < size, "what cannot be claimed is not sent"

    end_well(hub, campaign, everyone)
    assert not InboxReceipt.objects.exists()
