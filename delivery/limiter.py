"""Limits over all workers, kept in Redis: token buckets counted in segments, and how many requests are open.

A bucket holds at most BURST_SECONDS of its rate (at least one segment), so that no second ever sees more than its
rate and that burst. Each worker holds a share of the open requests that an account allows, for SHARE_SECONDS at a
time: shares never sum above the limit, and that of a worker that was killed is free again when its time has run out.
All of it is asked for in one atomic call, on the clock of Redis, and slowed as `delivery.slowing` says.
"""

import os
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
from django.conf import settings

BURST_SECONDS = 0.25
#: A worker renews its share every second, whatever else it is busy with.
SHARE_SECONDS = 5.0

#: Of the account's requests and of its buckets, what reminders and bulk may not use up.
RESERVED_SHARE = 0.1
#: A limit is never slowed below this part of itself…
FLOOR = 0.05
#: … is cut in half at most so often, that one burst of refusals be one cut…
HALVED_APART_SECONDS = 5.0
#: … and recovers by such steps: in a minute and a half from the floor, in 50 seconds from one cut.
STEP, STEP_SECONDS = 0.05, 5.0

_HERE = Path(__file__).parent
_STEP_US, _APART_US = int(STEP_SECONDS * 1e6), int(HALVED_APART_SECONDS * 1e6)
_CONSTANTS = (
    f"local FLOOR, STEP, STEP_US, APART_US = {FLOOR}, {STEP}, {_STEP_US}, {_APART_US}\n"
    f"local RESERVED = {RESERVED_SHARE}"
)


def script(name: str) -> str:
    """One of our Lua scripts, with what they share in front."""
    return "\n".join([_CONSTANTS, (_HERE / "factor.lua").read_text(), (_HERE / name).read_text()])


_SCRIPT = script("limiter.lua")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Something with a limit: `rate` in segments per second."""

    name: str
    rate: float
    reserved: bool = True
    """Whether what is urgent may need it as well, and has a reserve in it."""

    @property
    def key(self) -> str:
        return f"{settings.REDIS_PREFIX}rate:{self.name}"

    @property
    def capacity(self) -> float:
        burst = self.rate * BURST_SECONDS
        # The part of a segment beyond is what would run over, segment by segment, between two looks at a slow sender.
        return max(1.0, burst) + min(0.5, burst)


def account_bucket(provider_id: int, rate: float) -> Bucket:
    return Bucket(f"provider:{provider_id}", rate)


def sender_bucket(sender_id: int, rate: float) -> Bucket:
    return Bucket(f"sender:{sender_id}", rate)


def pace_bucket(campaign_id: int, rate: float) -> Bucket:
    return Bucket(f"pace:{campaign_id}", rate, reserved=False)


def country_bucket(provider_id: int, country: str, rate: float) -> Bucket:
    return Bucket(f"country:{provider_id}:{country}", rate)


def trial_bucket(provider_id: int, rate: float) -> Bucket:
    return Bucket(f"trial:{provider_id}", rate)


def slowed_key(account: str) -> str:
    """Where Redis keeps what is slowed of an account and all that sends by it."""
    return f"{settings.REDIS_PREFIX}slowed:{account}"


def shares_key(account: str) -> str:
    """Where Redis keeps who has requests of an account open. It is there while anybody sends for it."""
    return f"{settings.REDIS_PREFIX}requests:{account}"


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one worker: how many are open now, and how many all workers together may have open."""

    worker: str
    open: int
    most: int
    ready: int = 0
    """Messages that it holds for further requests."""
    ahead: int = 0
    """How many messages it may hold beyond the requests it may open: to go on with while it asks again."""
    seconds: float = SHARE_SECONDS
    """For how long the share is held if it is not renewed."""

    @property
    def room(self) -> int:
        """Messages that it could take if it had the account for itself."""
        return self.most + self.ahead - self.open - self.ready


@dataclass(frozen=True, slots=True)
class Demand:
    """Up to `wanted` segments, which all of `buckets` and the account's must grant; useless below `least`, the
    segments of the next message."""

    buckets: Sequence[Bucket]
    wanted: int
    least: int = 1
    reserve: float = 0.0
    """The share of the buckets and of the requests to leave to what is more urgent."""
    group: int = 0
    """Demands of one group share one turn, however many they are."""


@dataclass(frozen=True, slots=True)
class Grant:
    segments: Sequence[int]
    """Per demand, in order."""
    messages: Sequence[int]
    """In how many messages these may leave at most."""
    short: Sequence[str]
    """The bucket whose tokens a refused demand waits for; nobody behind it was given any of these. Else empty."""
    wait: float
    """Seconds until a refused demand can be met; 0 if none was refused."""
    may_open: tuple[int, int]
    """Requests that the worker may have open now: for what is urgent, and for the rest."""


class Limiter:
    """Asks Redis for leave to send. Raises redis.RedisError when Redis is away: then nothing may be sent."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client
        self._script = client.register_script(_SCRIPT)

    async def take(
        self,
        account: Bucket,
        demands: Sequence[Demand],
        requests: Requests | None = None,
        *,
        held: Collection[str] = (),
    ) -> Grant:
        """Take what may be sent now from the account's bucket, the demands' own, and the requests there may be.

        Nothing is taken from buckets that are `held`: somebody more urgent waits for their tokens.
        """
        asked = {bucket.name: bucket for demand in demands for bucket in demand.buckets}
        buckets = [account, *asked.values()]
        groups = len({demand.group for demand in demands})
        mine = requests or Requests("", 0, 0)
        *granted, wait, urgent, rest = await self._ask(account, buckets, demands, mine, groups=groups, held=held)
        short = [buckets[index - 1].name if index else "" for index in granted[2::3]]
        return Grant(granted[0::3], granted[1::3], short, wait / 1_000_000, (urgent, rest))

    async def _ask(
        self,
        account: Bucket,
        buckets: Sequence[Bucket],
        demands: Sequence[Demand],
        mine: Requests,
        *,
        groups: int,
        held: Collection[str] = (),
    ) -> list[int]:
        indexes = {bucket.name: number for number, bucket in enumerate(buckets, start=1)}
        arguments: list[float | str] = [mine.worker, mine.open, mine.ready, mine.ahead]
        arguments += (mine.most, int(mine.seconds * 1_000_000), len(demands), groups)
        for bucket in buckets:
            arguments += (bucket.name, bucket.rate, bucket.capacity, int(bucket.reserved), int(bucket.name in held))
        for demand in demands:
            arguments += (demand.wanted, demand.least, demand.reserve, demand.group, len(demand.buckets))
            arguments += (indexes[bucket.name] for bucket in demand.buckets)
        keys = [shares_key(account.name), slowed_key(account.name), *(bucket.key for bucket in buckets)]
        answer: list[int] = await self._script(keys=keys, args=arguments)
        return answer

    async def give_back(self, account: Bucket, returns: Sequence[tuple[Sequence[Bucket], int]]) -> None:
        """Return tokens that were taken and not used. Requests need no return: who asks next says how many are open."""
        demands = [Demand(buckets, wanted=-unused) for buckets, unused in returns if unused]
        if demands:
            await self.take(account, demands)

    async def keep(self, account: Bucket, requests: Requests, *, claiming: bool) -> None:
        """Renew the worker's share: as what it has open, or as it was while a claim of it is under way."""
        await self._ask(account, [account], (), requests, groups=0 if claiming else 1)

    async def leave(self, account: Bucket, worker: str) -> None:
        """The worker has no open request any more, and asks for none."""
        await self._client.hdel(shares_key(account.name), worker)
