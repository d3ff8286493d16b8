"""Slots: connections of an account over all workers, never more than it allows, and none left unused."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.connector import binds
from delivery.connector.binds import Slots
from delivery.providers.base import Connection, ConnectionState

ACCOUNT = 7
HYPOTHESIS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binds, "SETTLE_SECONDS", 0.0)


def run(clean_redis: Any, work: Callable[[Slots], Coroutine[Any, Any, Any]]) -> Any:
    clean_redis.flushdb()

    async def main() -> Any:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        try:
            return await work(Slots(client))
        finally:
            await client.aclose()

    return asyncio.run(main())


def open_connections(number: int, state: ConnectionState = ConnectionState.BOUND) -> list[Connection]:
    return [Connection(str(n), state, datetime.now(UTC), 3, 10) for n in range(1, number + 1)]


class Worker:
    """Opens at once what it may, and gives up one connection a renewal of what is too many: it drains."""

    def __init__(self, name: str) -> None:
        self.name, self.open, self.wants = name, 0, True

    async def renew(self, slots: Slots, most: int) -> None:
        told = await slots.renew(ACCOUNT, self.name, open_connections(self.open), most=most, wants=self.wants)
        self.open = max(told, self.open - 1)


@HYPOTHESIS
@given(
    most=st.integers(1, 7),
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["renew", "renew", "renew", "leave", "want"]))),
)
def test_never_more_than_the_account_allows_and_in_the_end_all_of_them_evenly(
    clean_redis: Any, most: int, steps: list[tuple[int, str]]
) -> None:
    workers = [Worker(f"worker{n}") for n in range(4)]

    async def work(slots: Slots) -> None:
        for number, step in steps:
            worker = workers[number]
            if step == "want":
                worker.wants = not worker.wants
            if step == "leave" and not worker.open:
                await slots.leave(ACCOUNT, worker.name)
            if step == "renew":
                await worker.renew(slots, most)
            assert sum(each.open for each in workers) <= most
        for _ in range(2 * most + 2):
            for worker in workers:
                await worker.renew(slots, most)
                assert sum(each.open for each in workers) <= most

    run(clean_redis, work)

    wanting = [worker.open for worker in workers if worker.wants]
    assert sum(worker.open for worker in workers) == (most if wanting else 0)
    assert not wanting or max(wanting) - min(wanting) <= 1


def test_what_a_dead_worker_held_is_free_when_its_lease_ends(clean_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binds, "LEASE_SECONDS", 0.3)

    async def work(slots: Slots) -> list[int]:
        await slots.renew(ACCOUNT, "dead", [], most=2)
        found = [await slots.renew(ACCOUNT, "heir", [], most=2)]
        await asyncio.sleep(0.4)
        return [*found, await slots.renew(ACCOUNT, "heir", [], most=2)]

    assert run(clean_redis, work) == [0, 2]


def test_one_slot_stays_with_who_has_it(clean_redis: Any) -> None:
    async def work(slots: Slots) -> list[int]:
        found = [await slots.renew(ACCOUNT, "z", [], most=1)]
        found.append(await slots.renew(ACCOUNT, "a", [], most=1))
        return [*found, await slots.renew(ACCOUNT, "z", open_connections(1), most=1)]

    assert run(clean_redis, work) == [1, 0, 1]


def test_a_redis_that_has_lost_its_memory_gives_nobody_what_another_may_still_have(
    clean_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binds, "SETTLE_SECONDS", 0.3)

    async def work(slots: Slots) -> list[int]:
        found = [await slots.renew(ACCOUNT, "new", [], most=2)]
        found.append(await slots.renew(ACCOUNT, "old", open_connections(2), most=2))
        await asyncio.sleep(0.4)
        return [*found, await slots.renew(ACCOUNT, "new", [], most=2)]

    # The one that was there first gives its fair part up; the new one has it when that has been done.
    assert run(clean_redis, work) == [0, 1, 0]


def test_what_waits_to_connect_again_has_no_slot_beyond_what_is_granted(clean_redis: Any) -> None:
    async def work(slots: Slots) -> int:
        await slots.renew(ACCOUNT, "one", open_connections(2, ConnectionState.WAITING), most=2)
        await slots.renew(ACCOUNT, "one", open_connections(2, ConnectionState.WAITING), most=2, wants=False)
        return await slots.renew(ACCOUNT, "two", [], most=2)

    assert run(clean_redis, work) == 2


def test_two_connections_of_one_slot_are_one(clean_redis: Any) -> None:
    pairs = [
        Connection(f"{n} {role}", ConnectionState.BOUND, datetime.now(UTC), 0, window)
        for n in (1, 2)
        for role, window in (("transmitter", 10), ("receiver", 0))
    ]

    async def work(slots: Slots) -> list[int]:
        return [
            await slots.renew(ACCOUNT, "one", pairs, most=3),
            await slots.renew(ACCOUNT, "two", [], most=3),
        ]

    assert run(clean_redis, work) == [3, 0]
    assert binds.look([ACCOUNT])[ACCOUNT].bound == 2


def test_what_workers_say_is_seen_as_long_as_they_live(clean_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Connection(
        "1", ConnectionState.REFUSED, datetime.now(UTC), 0, 10, "The password is wrong.", "ESME_RINVPASWD"
    )

    async def work(slots: Slots) -> None:
        with monkeypatch.context() as dying:
            dying.setattr(binds, "LEASE_SECONDS", 0.2)
            await slots.renew(ACCOUNT, "host:2", [refused], most=2)
        await slots.renew(ACCOUNT, "host:1", open_connections(1), most=2)

    run(clean_redis, work)
    account = binds.look([ACCOUNT])[ACCOUNT]
    assert [bind.worker for bind in account.binds] == ["host:1", "host:2"]
    assert account.bound == 1
    assert account.binds[1].connection == refused

    asyncio.run(asyncio.sleep(0.3))
    account = binds.look([ACCOUNT])[ACCOUNT]
    assert account.workers == ["host:1"]
    assert account.silent_seconds is not None
    assert binds.look([8])[8] == binds.Account([], [], None, 0.0)
