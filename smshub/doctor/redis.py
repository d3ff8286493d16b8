"""Redis: there, quick, and not allowed to forget."""

import time
from collections.abc import Iterator
from statistics import median

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from contacts.wording import figure
from smshub.doctor.findings import Finding, problem, warning

#: Each round of dispatch asks the limiter once or twice, and waits for it.
SLOW_SECONDS = 0.02
PINGS = 5
FULL = 0.9


def answers() -> Iterator[Finding]:
    try:
        _client().ping()
    except redis.RedisError as error:
        yield problem(
            _("Redis does not answer (%(error)s): nothing is sent without it.") % {"error": type(error).__name__},
            _("Start it, or correct REDIS_URL."),
        )


def memory() -> Iterator[Finding]:
    # INFO and not CONFIG, which managed servers do not allow.
    info = _client().info("memory")
    policy, used, most = info["maxmemory_policy"], info["used_memory"], info.get("maxmemory", 0)
    if policy != "noeviction":
        yield problem(
            _("Redis may evict keys (%(policy)s): with them go wake-ups and rate limits.") % {"policy": policy},
            _("Set maxmemory-policy noeviction."),
        )
    if most and used > most * FULL:
        yield problem(
            _("Redis has used %(share)s %% of its memory: when it is full, nothing is sent.")
            % {"share": used * 100 // most},
            _("Raise maxmemory, or give the hub a Redis of its own."),
        )


def latency(slow_seconds: float = SLOW_SECONDS) -> Iterator[Finding]:
    client = _client()
    client.ping()  # connects
    middle = median(_ping(client) for _ in range(PINGS))
    if middle > slow_seconds:
        yield warning(
            _("Redis takes %(milliseconds)s ms to answer, and dispatch asks it in every round.")
            % {"milliseconds": figure(middle * 1000, 1)},
            _("Put it near the workers, and see what else keeps it busy (SLOWLOG GET)."),
        )


def _ping(client: redis.Redis) -> float:
    start = time.perf_counter()
    client.ping()
    return time.perf_counter() - start


def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )
