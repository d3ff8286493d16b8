"""Rate limits over all workers: token buckets in Redis, counted in segments.

A bucket holds at most BURST_SECONDS of its rate (at least one segment), so that no second ever sees more than its
rate and that burst. All buckets of a claim are asked in one atomic call, on the clock of Redis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
from django.conf import settings

BURST_SECONDS = 0.25
_SCRIPT = Path(__file__).with_suffix(".lua").read_text()


@dataclass(frozen=True, slots=True)
class Bucket:
    """Something with a limit: `rate` in segments per second."""

    name: str
    rate: float

    @property
    def key(self) -> str:
        return f"{settings.REDIS_PREFIX}rate:{self.name}"

    @property
    def capacity(self) -> float:
        return max(1.0, self.rate * BURST_SECONDS)


@dataclass(frozen=True, slots=True)
class Demand:
    """Up to `wanted` segments, which all of `buckets` and the account's must grant; useless below `least`, the
    segments of the next message."""

    buckets: Sequence[Bucket]
    wanted: int
    least: int = 1
    reserve: float = 0.0
    """Segments to leave in the account's bucket, for what is more urgent."""


@dataclass(frozen=True, slots=True)
class Grant:
    segments: Sequence[int]
    """Per demand, in order."""
    wait: float
    """Seconds until a refused demand can be met; 0 if none was refused."""


class Limiter:
    """Asks Redis for leave to send. Raises redis.RedisError when Redis is away: then nothing may be sent."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._script = client.register_script(_SCRIPT)

    async def take(self, account: Bucket, demands: Sequence[Demand]) -> Grant:
        """Take what may be sent now from the account's bucket and the demands' own."""
        buckets = [account]
        indexes: dict[str, int] = {}
        for bucket in (bucket for demand in demands for bucket in demand.buckets):
            if bucket.name not in indexes:
                buckets.append(bucket)
                indexes[bucket.name] = len(buckets)
        arguments: list[float] = [len(demands)]
        for bucket in buckets:
            arguments += (bucket.rate, bucket.capacity)
        for demand in demands:
            arguments += (demand.wanted, demand.least, demand.reserve, len(demand.buckets))
            arguments += (indexes[bucket.name] for bucket in demand.buckets)
        *granted, wait = await self._script(keys=[bucket.key for bucket in buckets], args=arguments)
        return Grant(segments=granted, wait=wait / 1_000_000)

    async def give_back(self, account: Bucket, returns: Sequence[tuple[Sequence[Bucket], int]]) -> None:
        """Return what was taken and not used."""
        demands = [Demand(buckets, wanted=-unused) for buckets, unused in returns if unused]
        if demands:
            await self.take(account, demands)
