"""A pytest plugin that is loaded before Django's settings: real Postgres and Redis for the run.

DATABASE_URL and REDIS_URL in the environment are used instead; else embedded servers start in a folder of their
own, without fsync, and are gone with the run. Of a run that is shared among processes, each has servers of its own.
"""

import base64
import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from smshub.quickstart.servers import embedded_servers

_stack = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", base64.urlsafe_b64encode(bytes(range(32))).decode())
    os.environ.setdefault("ALLOW_PRIVATE_PROVIDER_URLS", "true")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("LOG_FORMAT", "console")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")
    given = "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ
    processes = getattr(early_config.known_args_namespace, "numprocesses", None)
    if given and processes not in (None, 0, 1):
        raise pytest.UsageError("DATABASE_URL and REDIS_URL serve one process: make test TEST_PROCESSES=0")
    only_shares_out = processes and "PYTEST_XDIST_WORKER" not in os.environ
    if not given and not only_shares_out:
        os.environ.update(_stack.enter_context(embedded_servers(durable=False)))
    return (yield)


def pytest_unconfigure() -> None:
    _stack.close()
