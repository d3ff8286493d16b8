"""One event loop per worker process, with what should outlive a task: connections and provider adapters.

Celery's prefork children run synchronous tasks; each makes its loop here on first use, after the fork.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import psycopg
import redis.asyncio
import uvloop
from django.conf import settings
from django.db import connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from delivery import accounts
from delivery.limiter import Limiter
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import Adapter
from delivery.streams import Turns

T = TypeVar("T")


async def connect() -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """A connection of our own to Django's database, in autocommit, for statements run from the event loop."""
    database = connections["default"].settings_dict
    return await psycopg.AsyncConnection.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"] or None,
        connect_timeout=10,
        autocommit=True,
        **database["OPTIONS"],
    )


@dataclass
class Runtime:
    """What a worker process keeps between tasks."""

    runner: asyncio.Runner
    adapters: dict[int, tuple[object, Adapter]] = field(default_factory=dict)
    turns: defaultdict[int, Turns] = field(default_factory=lambda: defaultdict(Turns))
    """By provider: where this process stands in its queue."""
    _connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
    _limiter: Limiter | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def connection(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """The process's connection; a fresh one if the last has broken."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = await connect()
        return self._connection

    async def limiter(self) -> Limiter:
        if self._limiter is None:
            # Once more for a connection that was cut meanwhile; a Redis that is away is the dispatch loop's to bear.
            client = redis.asyncio.Redis.from_url(
                settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1)
            )
            self._limiter = Limiter(client)
        return self._limiter

    async def adapter(self, provider: Provider) -> Adapter:
        """The adapter of an account, kept while its configuration stays the same."""
        version = accounts.config_version(provider)
        known = self.adapters.get(provider.pk)
        if known and known[0] == version:
            return known[1]
        if known:
            await known[1].close()
        kind = registry.kind(provider.adapter)
        if kind.needs_connection:
            raise LookupError(f"{kind.label} holds a connection, which only its own connector worker may open.")
        adapter = kind.build(accounts.provider_config(provider), None)
        self.adapters[provider.pk] = (version, adapter)
        return adapter


@cache
def runtime() -> Runtime:
    """This process's runtime."""
    return Runtime(asyncio.Runner(loop_factory=uvloop.new_event_loop))
