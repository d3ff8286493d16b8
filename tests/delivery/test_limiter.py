"""The limiter: never more than rate and burst in any second, over everyone who asks, and little less."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from delivery import slowing
from delivery.limiter import (
    BURST_SECONDS,
    RESERVED_SHARE,
    Bucket,
    Demand,
    Limiter,
    Requests,
    account_bucket,
    pace_bucket,
)

HYPOTHESIS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(clean_redis: Any, work: Callable[[Limiter], Any]) -> Any:
    clean_redis.flushdb()

    async def main() -> Any:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        try:
            return await work(Limiter(client))
        finally:
            await client.aclose()

    return asyncio.run(main())


@HYPOTHESIS
@given(rate=st.integers(5, 2000), wants=st.lists(st.integers(1, 50), min_size=1, max_size=30), askers=st.integers(1, 4))
def test_what_is_granted_never_exceeds_rate_and_burst(
    clean_redis: Any, rate: int, wants: list[int], askers: int
) -> None:
    account = Bucket("account", rate)

    async def work(limiter: Limiter) -> tuple[int, float]:
        async def ask() -> int:
            return sum([sum((await limiter.take(account, [Demand((), want)])).segments) for want in wants])

        began = time.monotonic()
        granted = sum(await asyncio.gather(*(ask() for _ in range(askers))))
        return granted, time.monotonic() - began

    granted, seconds = run(clean_redis, work)
    assert granted <= account.capacity + rate * seconds + 1


@HYPOTHESIS
@given(rate=st.integers(1, 100), segments=st.integers(1, 16))
def test_the_wait_it_names_is_enough_and_a_shorter_one_is_not(clean_redis: Any, rate: int, segments: int) -> None:
    account = Bucket("account", rate)

    async def work(limiter: Limiter) -> float:
        first = await limiter.take(account, [Demand((), wanted=segments, least=segments)])
        assert list(first.segments) == [segments], "a full bucket lets any one message pass"
        return (await limiter.take(account, [Demand((), wanted=segments, least=segments)])).wait

    wait = run(clean_redis, work)
    missing = min(segments, account.capacity) - (account.capacity - segments)
    assert wait <= max(0.0, missing) / rate + 0.001
    assert wait >= max(0.0, missing) / rate - 0.5


def test_a_sender_with_little_does_not_use_up_the_accounts(clean_redis: Any) -> None:
    account, slow, fast = Bucket("account", 1000), Bucket("slow", 4), Bucket("fast", 400)

    async def work(limiter: Limiter) -> list[int]:
        demands = [Demand([slow], 50), Demand([fast], 50), Demand((), 50)]
        return list((await limiter.take(account, demands)).segments)

    assert run(clean_redis, work) == [1, 50, 50]


def test_a_demand_gets_what_the_tightest_of_its_buckets_grants_and_takes_it_from_all(clean_redis: Any) -> None:
    account, sender, pace = Bucket("account", 1000), Bucket("sender", 200), Bucket("pace", 8)

    async def work(limiter: Limiter) -> tuple[list[int], list[int]]:
        both = await limiter.take(account, [Demand([sender, pace], 100), Demand([sender], 100)])
        await limiter.give_back(account, [([sender, pace], 1)])
        return list(both.segments), list((await limiter.take(account, [Demand([pace, sender], 100)])).segments)

    assert run(clean_redis, work) == ([2, 48], [1])


def test_what_is_given_back_can_be_taken_again_but_fills_no_bucket_above_its_brim(clean_redis: Any) -> None:
    account = Bucket("account", 4 * 100)

    async def work(limiter: Limiter) -> tuple[list[int], list[int], list[int]]:
        await limiter.take(account, [Demand((), 100)])
        await limiter.give_back(account, [((), 60)])
        again = (await limiter.take(account, [Demand((), 60)])).segments
        await limiter.give_back(account, [((), 10_000)])
        brim = (await limiter.take(account, [Demand((), 10_000)])).segments
        return list(again), list(brim), []

    again, brim, _ = run(clean_redis, work)
    assert again == [60]
    assert 100 <= brim[0] <= 100 + 400 * BURST_SECONDS


def test_an_emptied_redis_starts_with_a_burst_and_no_more(clean_redis: Any) -> None:
    account = Bucket("account", 40)

    async def work(limiter: Limiter) -> int:
        await limiter.take(account, [Demand((), 10)])
        clean_redis.flushall()
        return sum((await limiter.take(account, [Demand((), 1000)])).segments)

    assert run(clean_redis, work) == 10


# --- several at once: fair, and nobody overtaken -------------------------------------------------------------------


def test_a_campaign_in_forty_streams_has_no_more_than_one_in_a_single_stream(clean_redis: Any) -> None:
    account = Bucket("account", 160)  # 40 tokens
    huge = [Demand((), wanted=10, group=1) for _ in range(40)]
    small = Demand((), wanted=400, group=2)

    async def work(limiter: Limiter) -> Sequence[int]:
        return (await limiter.take(account, [*huge, small])).segments

    granted = run(clean_redis, work)
    assert (sum(granted[:40]), granted[40]) == (20, 20)


def test_what_one_campaign_does_not_want_is_the_others(clean_redis: Any) -> None:
    account = Bucket("account", 160)

    async def work(limiter: Limiter) -> Sequence[int]:
        return (await limiter.take(account, [Demand((), 100, group=1), Demand((), 5, group=2)])).segments

    assert list(run(clean_redis, work)) == [35, 5]


def test_who_waits_for_tokens_to_gather_is_not_overtaken_by_smaller_ones(clean_redis: Any) -> None:
    account = Bucket("account", 12)  # three tokens

    async def work(limiter: Limiter) -> tuple[list[int], list[str]]:
        await limiter.take(account, [Demand((), 1)])
        long, short = Demand((), 3, least=3, group=1), Demand((), 1, group=2)
        grant = await limiter.take(account, [long, short])
        return list(grant.segments), list(grant.short)

    assert run(clean_redis, work) == ([0, 0], ["account", ""])


def test_who_waits_for_a_limit_of_its_own_keeps_nobody_else_waiting(clean_redis: Any) -> None:
    account, own = Bucket("account", 12), Bucket("own", 0.001)

    async def work(limiter: Limiter) -> tuple[list[int], list[str]]:
        await limiter.take(account, [Demand([own], 1)])
        grant = await limiter.take(account, [Demand([own], 1, group=1), Demand((), 1, group=2)])
        return list(grant.segments), list(grant.short)

    assert run(clean_redis, work) == ([0, 1], ["own", ""])


def test_what_somebody_more_urgent_waits_for_is_not_taken_and_all_else_is(clean_redis: Any) -> None:
    account, slow, other = Bucket("account", 100), Bucket("slow", 10), Bucket("other", 10)

    async def work(limiter: Limiter) -> list[list[int]]:
        demands = [Demand([slow], 1), Demand([other], 1)]
        return [list((await limiter.take(account, demands, held=held)).segments) for held in (["slow"], ["account"])]

    assert run(clean_redis, work) == [[0, 1], [0, 0]]


def test_the_urgent_have_a_reserve_in_every_bucket_but_a_campaigns_own_pace(clean_redis: Any) -> None:
    account, sender, pace = Bucket("account", 4000), Bucket("sender", 400), pace_bucket(1, 200)

    async def work(limiter: Limiter) -> list[int]:
        bulk = [Demand([sender], 1000, reserve=0.1), Demand([pace], 1000, reserve=0.1, group=1)]
        return list((await limiter.take(account, bulk)).segments)

    assert run(clean_redis, work) == [90, 50]


@HYPOTHESIS
@given(
    rates=st.lists(st.integers(1, 400), min_size=3, max_size=3),
    demands=st.lists(
        st.tuples(st.sets(st.integers(0, 2)), st.integers(1, 60), st.integers(1, 4), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    ),
    slow=st.sets(st.integers(0, 2)),
)
def test_no_bucket_of_several_grants_more_than_rate_and_burst(
    clean_redis: Any, rates: list[int], demands: list[tuple[set[int], int, int, int]], slow: set[int]
) -> None:
    account = account_bucket(1, 500)
    buckets = [Bucket(f"bucket {n}", rate) for n, rate in enumerate(rates)]
    asked = [
        Demand([buckets[n] for n in sorted(own)], max(wanted, least), least=least, group=group)
        for own, wanted, least, group in demands
    ]

    async def work(limiter: Limiter) -> tuple[list[list[int]], float]:
        slowing._run(1, {buckets[n].name: "30022" for n in slow})
        began = time.monotonic()
        grants = [list((await limiter.take(account, asked)).segments) for _ in range(5)]
        return grants, time.monotonic() - began

    grants, seconds = run(clean_redis, work)
    for grant in grants:
        assert all(granted <= demand.wanted for granted, demand in zip(grant, asked, strict=True))
    for number, bucket in enumerate([account, *buckets]):
        through = [demand for demand in asked if number == 0 or bucket in demand.buckets]
        total = sum(
            granted for grant in grants for granted, demand in zip(grant, asked, strict=True) if demand in through
        )
        factor = 0.5 if number - 1 in slow else 1.0
        burst = max(1.0, bucket.capacity * factor)
        # A message that is larger than the whole bucket goes when it is full, and leaves it in debt.
        largest = max((demand.least for demand in through), default=0)
        assert total <= max(burst, largest) + bucket.rate * factor * seconds + 0.001


# --- requests in flight, over all workers ---------------------------------------------------------------------------


@dataclass
class Worker:
    name: str
    open: int = 0
    ready: int = 0
    may_open: int = 0
    alive: bool = True

    def go_on(self) -> None:
        """Open what it holds as far as it may, without asking again."""
        opened = max(0, min(self.ready, self.may_open - self.open))
        self.open, self.ready = self.open + opened, self.ready - opened


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "die", "restart"]), st.integers(0, 3), st.integers(1, 30)),
    min_size=1,
    max_size=40,
)


@HYPOTHESIS
@given(most=st.integers(1, 40), steps=STEPS, reserve=st.sampled_from([0.0, RESERVED_SHARE]), ahead=st.integers(0, 20))
def test_requests_open_never_exceed_the_limit_whoever_asks_finishes_or_dies(
    clean_redis: Any, most: int, steps: list[tuple[str, int, int]], reserve: float, ahead: int
) -> None:
    account = account_bucket(1, 1_000_000)
    workers = [Worker(f"worker {n}") for n in range(4)]
    kept = math.ceil(most * reserve) if most > 1 else 0

    async def work(limiter: Limiter) -> None:
        for step, number, size in steps:
            worker = workers[number]
            if step == "ask" and worker.alive:
                requests = Requests(worker.name, worker.open, most, ready=worker.ready, ahead=ahead, seconds=60)
                demands = [Demand((), size, reserve=reserve), Demand((), size, least=3, reserve=reserve, group=1)]
                demands = [replace(demand, wanted=max(demand.wanted, demand.least)) for demand in demands]
                grant = await limiter.take(account, demands, requests)
                worker.ready += sum(grant.messages)
                worker.may_open = grant.may_open[1 if reserve else 0]
                worker.go_on()
                assert worker.ready <= ahead or not sum(grant.messages)
            elif step == "answer":
                worker.open = max(0, worker.open - size)
                worker.go_on()
            elif step == "die":
                # Its connections are gone with it; its share is held until its time has run out.
                worker.alive, worker.open, worker.ready = False, 0, 0
            elif step == "restart" and not worker.alive:
                # Its share of before has run out, or it still counts: either way it begins with nothing open.
                workers[number] = Worker(f"{worker.name} again")
            assert sum(each.open for each in workers) <= most - kept

    run(clean_redis, work)


def test_a_killed_workers_share_is_free_again_when_its_time_has_run_out(clean_redis: Any) -> None:
    account = account_bucket(1, 1_000_000)

    async def work(limiter: Limiter) -> tuple[int, int, int]:
        first = await limiter.take(account, [Demand((), 20)], Requests("killed", 0, 20, seconds=0.3))
        at_once = await limiter.take(account, [Demand((), 20)], Requests("other", 0, 20))
        later = at_once
        while sum(later.messages) == 0:
            later = await limiter.take(account, [Demand((), 20)], Requests("other", 0, 20))
        return sum(first.messages), sum(at_once.messages), sum(later.messages)

    assert run(clean_redis, work) == (20, 0, 20)


def test_a_share_that_is_kept_outlives_its_time_and_one_that_is_left_is_free_at_once(clean_redis: Any) -> None:
    account = account_bucket(1, 1_000_000)

    async def work(limiter: Limiter) -> tuple[int, int]:
        mine = Requests("mine", 0, 20, seconds=0.2)
        await limiter.take(account, [Demand((), 20)], mine)
        until = time.monotonic() + 0.5
        taken = 0
        while time.monotonic() < until:
            # As a round that is under way says nothing of what it was granted a moment ago.
            await limiter.keep(account, mine, claiming=True)
            taken += sum((await limiter.take(account, [Demand((), 20)], Requests("other", 0, 20))).messages)
        await limiter.leave(account, "mine")
        left = await limiter.take(account, [Demand((), 20)], Requests("other", 0, 20))
        return taken, sum(left.messages)

    assert run(clean_redis, work) == (0, 20)


def test_what_is_answered_meanwhile_is_free_with_the_next_renewal(clean_redis: Any) -> None:
    account = account_bucket(1, 1_000_000)

    async def work(limiter: Limiter) -> int:
        mine = Requests("mine", 0, 20)
        await limiter.take(account, [Demand((), 20)], mine)
        await limiter.keep(account, replace(mine, open=12), claiming=False)
        return sum((await limiter.take(account, [Demand((), 20)], Requests("other", 0, 20))).messages)

    assert run(clean_redis, work) == 8


def test_of_a_backlog_no_worker_holds_more_than_its_equal_part(clean_redis: Any) -> None:
    account = account_bucket(1, 1_000_000)

    async def work(limiter: Limiter) -> list[int]:
        held = {"a": 0, "b": 0}
        for _ in range(10):
            for name in held:
                grant = await limiter.take(account, [Demand((), 100)], Requests(name, held[name], 20))
                held[name] = min(held[name] + sum(grant.messages), 10 if name == "b" else 20)
            held["a"] = min(held["a"], 10)  # of what it had when it was alone, some is answered by now
        return list(held.values())

    assert run(clean_redis, work) == [10, 10]


def test_a_limit_on_requests_that_is_slowed_holds_less(clean_redis: Any) -> None:
    account = account_bucket(1, 1_000_000)

    async def work(limiter: Limiter) -> int:
        slowing._run(1, {slowing.REQUESTS: "20429"})
        return sum((await limiter.take(account, [Demand((), 100)], Requests("a", 0, 50))).messages)

    assert run(clean_redis, work) == 25


# --- Redis away -----------------------------------------------------------------------------------------------------


def test_without_redis_there_is_no_leave() -> None:
    async def work() -> None:
        client = redis.asyncio.Redis(port=1, retry=Retry(NoBackoff(), 0))
        await Limiter(client).take(Bucket("account", 10), [Demand((), 1)])

    with pytest.raises(redis.RedisError):
        asyncio.run(work())
