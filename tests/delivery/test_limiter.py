"""The limiter: never more than rate and burst in any second, over everyone who asks, and little less."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis.asyncio
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.limiter import BURST_SECONDS, Bucket, Demand, Limiter

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
    account, sender, pace = Bucket("account", 1000), Bucket("sender", 200), Bucket("pace", 40)

    async def work(limiter: Limiter) -> tuple[list[int], list[int]]:
        both = await limiter.take(account, [Demand([sender, pace], 100), Demand([sender], 100)])
        await limiter.give_back(account, [([sender, pace], 4)])
        return list(both.segments), list((await limiter.take(account, [Demand([pace, sender], 100)])).segments)

    assert run(clean_redis, work) == ([10, 40], [4])


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
