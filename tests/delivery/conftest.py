"""What the event loop's side of delivery needs in tests: its own connection, and real Redis."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import redis
import redis.asyncio
from django.conf import settings

from delivery.claim import Connection
from delivery.limiter import Limiter
from delivery.runtime import connect

T = TypeVar("T")
Work = Callable[[Connection, Limiter], Awaitable[T]]


@pytest.fixture
def clean_redis() -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def on_loop(transactional_db: None, clean_redis: object) -> Callable[[Work[Any]], Any]:
    """Run `work(connection, limiter)` on an event loop of its own, as a dispatch worker does."""

    async def run(work: Work[T]) -> T:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        async with await connect() as connection:
            try:
                return await work(connection, Limiter(client))
            finally:
                await client.aclose()

    return lambda work: asyncio.run(run(work))
