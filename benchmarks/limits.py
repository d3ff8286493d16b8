"""The rate limiter under processes that ask it as dispatch does: how much of a limit is used, and the worst second."""

import asyncio
import time
from bisect import bisect_left
from itertools import accumulate

import redis.asyncio
from django.conf import settings

from benchmarks.alone import Figures, finish, start
from delivery.dispatch import ROUND_SECONDS
from delivery.limiter import Bucket, Demand, Limiter

#: What a process may send in one round: more than the largest limit gives.
ROOM = 400
#: For the processes to load their modules, and for the bucket's first burst to be over.
START_SECONDS, SETTLE_SECONDS = 3.0, 1.0

Grants = list[tuple[float, int]]


def measure(processes: int, rate: int, seconds: float) -> tuple[float, float]:
    """The share of the limit that was granted over `seconds`, and the most of it that any one second saw."""
    begin = time.time() + START_SECONDS
    name = f"limit:{processes}:{rate}"
    children = [start(ask, name=name, rate=rate, begin=begin, seconds=seconds) for _ in range(processes)]
    answers = [finish(child) for child in children]
    grants: Grants = sorted((at, segments) for answer in answers for at, segments in answer["grants"])
    first = max(answer["began"] for answer in answers) + SETTLE_SECONDS
    last = begin + SETTLE_SECONDS + seconds
    granted = sum(segments for at, segments in grants if first <= at < last)
    return granted / (rate * (last - first)), worst_second(grants) / rate


def worst_second(grants: Grants) -> int:
    """The most that was granted within any one second."""
    times = [at for at, _ in grants]
    sums = [0, *accumulate(segments for _, segments in grants)]
    return max(sums[bisect_left(times, at + 1.0)] - sums[n] for n, at in enumerate(times))


def ask(name: str, rate: int, begin: float, seconds: float) -> Figures:
    """In a process of its own: ask in rounds, with more to send than there will ever be leave for."""
    time.sleep(max(0.0, begin - time.time()))
    began = time.time()
    grants = asyncio.run(_ask(Bucket(name, rate), until=begin + SETTLE_SECONDS + seconds))
    return {"began": began, "grants": grants}


async def _ask(account: Bucket, *, until: float) -> Grants:
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    limiter = Limiter(client)
    grants: Grants = []
    while time.time() < until:
        grant = await limiter.take(account, [Demand((), wanted=ROOM)])
        if grant.segments[0]:
            grants.append((time.time(), grant.segments[0]))
        await asyncio.sleep(min(max(grant.wait, ROUND_SECONDS), 1.0))
    await client.aclose()
    return grants
