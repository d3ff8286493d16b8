"""One event loop per worker process, with what should outlive a task: connections and provider adapters.

Celery's prefork children run synchronous tasks; each makes its loop here on first use, after the fork. Such a loop runs
while a task does. A connector's runs always (`AlwaysRunning`), for its connections are to be heard between tasks.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import psycopg
import redis.asyncio
import uvloop
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from delivery import accounts
from delivery.limiter import Limiter
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import Adapter, InboundText, Listener, Receipt
from delivery.slowing import Answers
from delivery.streams import Turns

if TYPE_CHECKING:
    from delivery.receipts.group import GroupCommit

T = TypeVar("T")
P = ParamSpec("P")

#: What a database raises that is away, restarting, full, or read-only since another took its place: it will be back,
#: and what was to be written is to be written then.
DATABASE_AWAY = (
    *(psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError),
    *(OperationalError, InternalError, InterfaceError),
)


async def connect() -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """A connection of our own to Django's database, in autocommit, for statements run from the event loop.

    Nothing is prepared: a plan for any values would go through every partition, where one for these goes to a few.
    """
    database = connections["default"].settings_dict
    return await psycopg.AsyncConnection.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"] or None,
        connect_timeout=10,
        autocommit=True,
        prepare_threshold=None,
        **{name: value for name, value in database["OPTIONS"].items() if name != "pool"},
    )


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what uses Django's connection, from the event loop. The thread has a connection of its own, which nobody
    else looks after: one that has broken is replaced here.
    """

    def with_a_connection_that_works() -> T:
        close_old_connections()
        return work(*args, **kwargs)

    return await sync_to_async(with_a_connection_that_works)()


class Runner(Protocol):
    """An event loop that is given work from outside: an asyncio.Runner is one."""

    def run(self, coro: Coroutine[Any, Any, T], /) -> T: ...


class AlwaysRunning:
    """An event loop in a thread of its own, which runs until it is closed. Any other thread may give it work."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="event loop", daemon=True)
        self._thread.start()

    def run(self, coro: Coroutine[Any, Any, T], /) -> T:
        return asyncio.run_coroutine_threadsafe(coro, self.loop).result()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass
class Runtime:
    """What a worker process keeps between tasks."""

    runner: Runner
    adapters: dict[int, tuple[object, Adapter]] = field(default_factory=dict)
    _connections: dict[str, psycopg.AsyncConnection[tuple[Any, ...]]] = field(default_factory=dict)
    turns: defaultdict[int, Turns] = field(default_factory=lambda: defaultdict(Turns))
    """By provider: where this process stands in its queue."""
    answers: defaultdict[int, Answers] = field(default_factory=lambda: defaultdict(Answers))
    """By provider: what it was answered of late."""
    _limiter: Limiter | None = None
    _redis: "redis.asyncio.Redis | None" = None
    _receipts: "GroupCommit | None" = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def connection(self, purpose: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """The process's connection for that purpose, one for each that goes on by itself; a fresh one if it broke."""
        known = self._connections.get(purpose)
        if known is None or known.closed or known.broken:
            known = self._connections[purpose] = await connect()
        return known

    async def leave_connection(self, purpose: str) -> None:
        """After an error: the next one may lead to the server that has taken over."""
        if known := self._connections.pop(purpose, None):
            await known.close()

    async def redis(self) -> "redis.asyncio.Redis":
        if self._redis is None:
            self._redis = redis.asyncio.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=2,
                socket_connect_timeout=2,
                # Once more, for a connection that broke while it lay idle. Not for long: outcomes are to be settled.
                retry=Retry(NoBackoff(), 1),
            )
        return self._redis

    async def limiter(self) -> Limiter:
        if self._limiter is None:
            self._limiter = Limiter(await self.redis())
        return self._limiter

    async def adapter(self, provider: Provider) -> Adapter:
        """The adapter of an account, kept while its configuration stays the same.

        One that holds connections is here only in a connector, which has put it here. Raises LookupError elsewhere.
        """
        version = accounts.config_version(provider)
        known = self.adapters.get(provider.pk)
        if known and known[0] == version:
            return known[1]
        kind = registry.kind(provider.adapter)
        if kind.needs_connection:
            raise LookupError(f"{kind.label} holds a connection, which only a connector worker may open.")
        if known:
            await known[1].close()
        adapter = kind.build(accounts.provider_config(provider), self._listener(provider.pk) if kind.is_test else None)
        self.adapters[provider.pk] = (version, adapter)
        return adapter

    def _listener(self, provider_id: int) -> Listener:
        """For an adapter that tells us of receipts itself, and of nothing else."""
        from delivery.receipts.group import GroupCommit  # stands on this module

        self._receipts = self._receipts or GroupCommit()
        receipts = self._receipts

        async def store(heard: Sequence[Receipt | InboundText]) -> None:
            await receipts.store(provider_id, [each for each in heard if isinstance(each, Receipt)])

        return store


@cache
def runtime() -> Runtime:
    """This process's runtime."""
    return Runtime(asyncio.Runner(loop_factory=uvloop.new_event_loop))
