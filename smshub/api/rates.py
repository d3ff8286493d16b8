"""How often a key may call: quotas over a second and over a minute, counted in Redis for all web processes together.

What is left of them stands in the answers' headers. Those are `RateLimit-Policy` and `RateLimit` of
draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and, of the quota that is nearest to its end, the three plain fields
of that draft's revisions up to 06, which is what most clients read today.

While Redis is away nobody is turned away for its sake: each process then counts for itself, so a key gets at most its
quota times the number of web processes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import redis
import structlog
from django.conf import settings

from delivery import wake

log = structlog.get_logger(__name__)

#: After Redis did not answer it is left alone for so long: a time-out must not be part of every request.
AWAY_SECONDS = 5.0
_MOST_COUNTERS = 10_000
_SCRIPT = (Path(__file__).parent / "rates.lua").read_text()


@dataclass(frozen=True, slots=True)
class Quota:
    name: str
    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a quota, and the seconds until all of it can be had again."""

    quota: Quota
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    let_in: bool
    left: Sequence[Left] = ()

    @property
    def wait(self) -> float:
        """Seconds until a request that was refused may come again; 0: it was not."""
        return 0.0 if self.let_in else max(each.seconds for each in self.left if not each.requests)

    def headers(self) -> dict[str, str]:
        if not self.left:
            return {}
        # Of two that are used up alike, the one that takes longer to come back is what a client has to wait for.
        tightest = min(self.left, key=lambda each: (each.requests / each.quota.requests, -each.seconds))
        return {
            "RateLimit-Policy": ", ".join(
                f'"{each.quota.name}";q={each.quota.requests};w={each.quota.seconds}' for each in self.left
            ),
            "RateLimit": ", ".join(
                f'"{each.quota.name}";r={each.requests};t={math.ceil(each.seconds)}' for each in self.left
            ),
            "RateLimit-Limit": str(tightest.quota.requests),
            "RateLimit-Remaining": str(tightest.requests),
            "RateLimit-Reset": str(math.ceil(tightest.seconds)),
        }


def quotas(per_second: int | None, per_minute: int | None) -> list[Quota]:
    """A key's own, else the hub's; 0 there means none."""
    found = [
        Quota("second", settings.API_RATE_PER_SECOND if per_second is None else per_second, 1),
        Quota("minute", settings.API_RATE_PER_MINUTE if per_minute is None else per_minute, 60),
    ]
    return [quota for quota in found if quota.requests]


def take(key_id: int, asked: Sequence[Quota]) -> Verdict:
    """Let one request of a key in, or not. Never raises for Redis."""
    if not asked:
        return Verdict(let_in=True)
    if monotonic() >= _here.away_until:
        try:
            return _ask(key_id, asked)
        except redis.RedisError as error:
            _here.away_until = monotonic() + AWAY_SECONDS
            log.warning("rate_limits_by_process", error=type(error).__name__)
    return _here.take(key_id, asked, monotonic())


def _ask(key_id: int, asked: Sequence[Quota]) -> Verdict:
    keys = [f"{settings.REDIS_PREFIX}api:{key_id}:{quota.name}" for quota in asked]
    arguments = [number for quota in asked for number in (quota.requests, quota.seconds * 1000)]
    let_in, *figures = _script()(keys=keys, args=arguments)
    left = zip(asked, figures[0::2], figures[1::2], strict=True)
    return Verdict(bool(let_in), [Left(quota, requests, ends / 1000) for quota, requests, ends in left])


@cache
def _script() -> Any:
    return wake.client().register_script(_SCRIPT)


class Here:
    """The same by this process alone."""

    def __init__(self) -> None:
        self.away_until = 0.0
        self._counters: dict[tuple[int, str], tuple[float, int]] = {}
        self._lock = Lock()

    def take(self, key_id: int, asked: Sequence[Quota], now: float) -> Verdict:
        with self._lock:
            if len(self._counters) > _MOST_COUNTERS:
                self._counters.clear()
            windows = [self._window(key_id, quota, now) for quota in asked]
            let_in = all(used < quota.requests for quota, (_, used) in zip(asked, windows, strict=True))
            left = []
            for quota, (ends, used) in zip(asked, windows, strict=True):
                self._counters[key_id, quota.name] = (ends, used + let_in)
                left.append(Left(quota, max(0, quota.requests - used - let_in), ends - now))
        return Verdict(let_in, left)

    def _window(self, key_id: int, quota: Quota, now: float) -> tuple[float, int]:
        ends, used = self._counters.get((key_id, quota.name), (0.0, 0))
        return (ends, used) if now < ends else (now + quota.seconds, 0)


_here = Here()
