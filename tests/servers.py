"""A pytest plugin that is loaded before Django's settings: real Postgres and Redis for the run.

DATABASE_URL and REDIS_URL in the environment are used instead; else embedded servers start in a folder of their
own, without fsync, and are gone with the run.
"""

import base64
import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from smshub.quickstart.servers import embedded_servers

_stack = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", base64.urlsafe_b64encode(bytes(range(32))).decode())
    os.environ.setdefault("ALLOW_PRIVATE_PROVIDER_URLS", "true")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("LOG_FORMAT", "console")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")
    if not ("DATABASE_URL" in os.environ and "REDIS_URL" in os.environ):
        os.environ.update(_stack.enter_context(embedded_servers(durable=False)))
    return (yield)


def pytest_unconfigure() -> None:
    _stack.close()
