"""Each test has a corner of Redis of its own: a hub that other tests have running says nothing in it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from pytest_django.fixtures import Settings

from delivery import vitals


@pytest.fixture(autouse=True)
def own_corner(settings: Settings) -> Iterator[None]:
    vitals.flush()
    settings.REDIS_PREFIX = prefix = f"test:{uuid4().hex}:"
    yield
    vitals.flush()
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{prefix}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def redis_is_away(settings: Settings) -> Iterator[None]:
    there, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    vitals.client.cache_clear()
    yield
    settings.REDIS_URL = there
    vitals.client.cache_clear()
