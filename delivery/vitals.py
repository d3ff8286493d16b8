"""What the processes say of themselves, kept in Redis for `/metrics` and `manage.py doctor`: counts, signs of life.

Counting is a word in memory, which waits for nobody and cannot fail; a thread of the process carries what was said to
Redis once a second, in one pipeline. What was not carried when the process ends or Redis is away is lost, and no
more than that: nothing of the hub rests on these figures.
"""

import os
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CARRY_SECONDS = 1.0
#: Who has been silent for this long is no longer spoken of: it was stopped for good, or has another name now.
FORGET_SECONDS = 3600
#: Different counters that one process may name; what a provider makes up beyond that is counted as "other".
MOST_COUNTERS = 2000

_ODD = re.compile(r"[^\w.@-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Count:
    labels: tuple[str, ...]
    total: int
    at: datetime
    """When it was last counted, to about a second."""


@dataclass
class _Notes:
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[tuple[object, ...]] = field(default_factory=Counter)
    carried: set[str] = field(default_factory=set)
    carrier: threading.Thread | None = None


_notes = _Notes()


def count(name: str, n: int = 1, *labels: object) -> None:
    """Add `n` to the counter of that name and those labels. Labels are ids and codes, never personal data."""
    if n < 1:
        return
    with _notes.lock:
        _notes.counts[name, *labels] += n
        if _notes.carrier is None or not _notes.carrier.is_alive():
            _notes.carrier = threading.Thread(target=_carry, name="vitals", daemon=True)
            with suppress(RuntimeError):  # the process is ending, or out of threads
                _notes.carrier.start()


def flush() -> None:
    """Carry what this process has counted to Redis now; it is lost if Redis is away."""
    with _notes.lock:
        counts, _notes.counts = _notes.counts, Counter()
    if not counts:
        return
    fields: Counter[str] = Counter()
    for key, n in counts.items():
        fields[_field(key)] += n
    pipeline = client().pipeline(transaction=False)
    for name, n in fields.items():
        pipeline.hincrby(_key("counts"), name, n)
    pipeline.hset(_key("counted"), mapping=dict.fromkeys(fields, time.time()))
    with suppress(redis.RedisError):
        pipeline.execute()


def counts() -> dict[str, list[Count]]:
    """All counters by name. Raises redis.RedisError."""
    pipeline = client().pipeline(transaction=False)
    pipeline.hgetall(_key("counts"))
    pipeline.hgetall(_key("counted"))
    totals, times = pipeline.execute()
    found: dict[str, list[Count]] = defaultdict(list)
    for raw, total in sorted(totals.items()):
        name, *labels = raw.decode().split("|")
        at = datetime.fromtimestamp(float(times.get(raw, 0)), UTC)
        found[name].append(Count(labels=tuple(labels), total=int(total), at=at))
    return found


def alive(who: str, queues: Collection[str] = ()) -> None:
    """The process of that name is up, and reads these queues. Nothing is said if Redis is away."""
    now = time.time()
    pipeline = client().pipeline(transaction=False)
    for name, those in (("alive", [who]), ("read", queues)):
        if those:
            pipeline.zadd(_key(name), dict.fromkeys(those, now))
            pipeline.zremrangebyscore(_key(name), "-inf", now - FORGET_SECONDS)
    with suppress(redis.RedisError):
        pipeline.execute()


def heard_of() -> dict[str, datetime]:
    """When each process last said that it is up. Raises redis.RedisError."""
    return _said("alive")


def queues_read() -> dict[str, datetime]:
    """When somebody last said of each queue that they read it. Raises redis.RedisError."""
    return _said("read")


def _said(name: str) -> dict[str, datetime]:
    told = cast(list[tuple[bytes, float]], client().zrange(_key(name), 0, -1, withscores=True))
    return {what.decode(): datetime.fromtimestamp(at, UTC) for what, at in told}


@cache
def client() -> redis.Redis:
    """A connection pool that gives up at once: figures are not worth waiting for."""
    # Tried once more, for a connection that broke while it lay idle.
    retry = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=retry)


def _carry() -> None:
    while True:
        time.sleep(CARRY_SECONDS)
        flush()


def _key(name: str) -> str:
    return f"{settings.REDIS_PREFIX}vitals:{name}"


def _field(key: tuple[object, ...]) -> str:
    name, *labels = (_ODD.sub("_", str(part))[:60] for part in key)
    known = "|".join([name, *labels])
    if known not in _notes.carried and len(_notes.carried) >= MOST_COUNTERS:
        return "|".join([name, *labels[:-1], "other"])
    _notes.carried.add(known)
    return known


def _forget() -> None:
    """A forked child has neither its parent's thread nor its counts."""
    global _notes
    _notes = _Notes()
    client.cache_clear()


os.register_at_fork(after_in_child=_forget)
