"""A pytest plugin that is loaded before Django's settings: real Postgres and Redis for the run.

DATABASE_URL and REDIS_URL in the environment are used instead; else embedded servers start in a folder of their
own, without fsync, and are gone with the run. Of a run that is shared among processes, each has servers of its own.
Tests may take those away for a while: see `Servers`.
"""

import base64
import gc
import os
import signal
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from smshub.quickstart.processes import Processes
from smshub.quickstart.servers import start_servers
from smshub.quickstart.state import State, exclusive, open_state
from tests import turns

#: A commit survives a crash of the server, as in production.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
READ_ONLY = {"default_transaction_read_only": "on"}
#: What was vacuumed just when a test had left it empty is taken to be empty, and planned for as such, from then on.
UNDISTURBED = {"autovacuum_naptime": "1h"}


@dataclass(frozen=True, slots=True)
class Servers:
    """The run's own Postgres and Redis, to be killed and started again: on the same port, Postgres with its data."""

    state: State
    processes: Processes
    url: str

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End `postgres` or `redis` and wait for its end. SIGQUIT is Postgres' immediate mode."""
        os.kill(self.processes.pid(name), how)
        deadline = time.monotonic() + 30
        while not self.processes.ended(name):
            assert time.monotonic() < deadline, f"{name} did not end"
            time.sleep(0.01)

    def start(self, name: str) -> None:
        self.processes.start_again(name)
        self.processes.wait_healthy([name], 60)

    def start_all(self) -> None:
        for name in self.processes.names:
            if self.processes.ended(name):
                self.start(name)

    @contextmanager
    def postgres_with(self, **settings: str) -> Iterator[None]:
        """Postgres with these settings for a while, in all its sessions."""
        conf = self.state.postgres / "postgresql.auto.conf"
        before, shown = conf.read_text(), {name: self.shown(name) for name in settings}
        conf.write_text(before + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        try:
            self._reload(settings)
            yield
        finally:
            conf.write_text(before)
            if not self.processes.ended("postgres"):
                self._reload(shown)

    def cut_connections(self, database: str) -> None:
        """All of them to a database but the one that does it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [database],
            )

    def shown(self, setting: str) -> str:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row: Any = connection.execute(f"SHOW {setting}".encode()).fetchone()
            return str(row[0])

    def _reload(self, settings: dict[str, str]) -> None:
        os.kill(self.processes.pid("postgres"), signal.SIGHUP)
        deadline = time.monotonic() + 30
        while any(self.shown(name) != value for name, value in settings.items()):
            assert time.monotonic() < deadline, "Postgres did not read its settings again"
            time.sleep(0.01)


ours: Servers | None = None
"""None while the run uses others' servers."""
_stack = ExitStack()
#: Says to a process that runs a share of the tests that it starts servers of its own.
_OWN_SERVERS = "SMSHUB_TESTS_OWN_SERVERS"


def _start() -> dict[str, str]:
    global ours
    state = open_state(Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="smshub-"))))
    _stack.enter_context(exclusive(state))
    processes = Processes()
    _stack.callback(processes.stop)
    variables = start_servers(state, processes, durable=False, any_port=True)
    if {"postgres", "redis"} <= set(processes.names):
        ours = Servers(state, processes, variables["DATABASE_URL"])
        _stack.enter_context(ours.postgres_with(**UNDISTURBED))
    return variables


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", base64.urlsafe_b64encode(bytes(range(32))).decode())
    os.environ.setdefault("ALLOW_PRIVATE_PROVIDER_URLS", "true")
    os.environ.setdefault("ALLOW_PRIVATE_WEBHOOK_URLS", "true")
    # Tests send at any hour of the day; those of the time rules say so.
    os.environ.setdefault("TIME_RULES_LANES", "")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("LOG_FORMAT", "console")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")
    if os.environ.get(_OWN_SERVERS):
        # Whoever shares the tests out has read the addresses of a hub that runs in this checkout.
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
    given = "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ
    processes = getattr(early_config.known_args_namespace, "numprocesses", None)
    if given and processes not in (None, 0, 1):
        raise pytest.UsageError("DATABASE_URL and REDIS_URL serve one process: make test TEST_PROCESSES=0")
    if not given and processes and "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[_OWN_SERVERS] = "yes"
        os.environ[turns.SHARED_FOLDER] = _stack.enter_context(tempfile.TemporaryDirectory(prefix="smshub-tests-"))
    elif not given:
        os.environ.update(_start())
        _wait_for_my_turn()
        gc.disable()  # all that is collected is kept: see `pytest_collection_finish` in conftest.py
    return (yield)


def _wait_for_my_turn() -> None:
    if not turns.is_mine(turns.FIRST):
        turns.wait_for("loaded" if turns.is_mine(turns.SECOND) else "collected")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    if turns.is_mine(turns.FIRST):
        turns.say("loaded")


def pytest_collection_finish() -> None:
    if turns.is_mine(turns.FIRST):
        turns.say("collected")


def pytest_unconfigure() -> None:
    _stack.close()
