"""The servers taken away behind the SMPP door: it says so at once, nothing is half done, and it goes on with them."""

import asyncio
import signal
from typing import Any

import pytest
from django.db import connection

from delivery.models import Message
from delivery.smpp.constants import CommandStatus, Tag
from tests.chaos.scenes import PATIENCE
from tests.hub import Hub
from tests.servers import Servers
from tests.smpp_door.conftest import System, make_account, open_door, run, submit_sm, until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(4 * PATIENCE),
    pytest.mark.usefixtures("everybody_begins_anew_afterwards"),
]


def named(number: int) -> Any:
    reference = ((Tag.USER_MESSAGE_REFERENCE, number.to_bytes(2, "big")),)
    return submit_sm(b"Number %d" % number, source_addr="15005550006", tlvs=reference)


async def statuses(system: System, numbers: range) -> set[str]:
    waiting = [system.link.submit(named(number)) for number in numbers]
    return {CommandStatus((await each).status).name for each in waiting}


def test_postgres_and_redis_away_and_back(hub: Hub, servers: Servers) -> None:
    account = make_account(hub.provider().senders.get())

    # Servers end with the thread that started them, so that is the main one; the door in it stands still meanwhile.
    async def scenario() -> None:
        async with open_door() as place, place.bound(account) as system:
            assert await statuses(system, range(1, 11)) == {"ESME_ROK"}

            servers.kill("postgres", signal.SIGQUIT)
            assert await statuses(system, range(11, 21)) == {"ESME_RSYSERR"}
            servers.start("postgres")
            while await statuses(system, range(11, 21)) != {"ESME_ROK"}:
                await asyncio.sleep(0.1)

            # A Redis that is away costs wake-ups, which come again by the clock, and no submit.
            servers.kill("redis")
            assert await statuses(system, range(1, 31)) == {"ESME_ROK"}
            servers.start("redis")

            await until(lambda: len({pdu.short_message[:39] for pdu in system.heard}) == 30, seconds=20)

    run(scenario())
    connection.close()
    assert Message.objects.count() == 30
    assert not hub.carrier.duplicates()
