import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smshub.quickstart import environment, servers
from smshub.quickstart.processes import Program

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person has set nothing; children import the project from wherever they stand."""
    monkeypatch.setattr(environment, "_filled", set())
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))


@pytest.fixture(autouse=True)
def _usual_ports_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests in other processes begin at other ports: none takes what another has stopped and is to start again on."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    monkeypatch.setattr(servers, "POSTGRES_PORT", servers.POSTGRES_PORT + 200 * number)
    monkeypatch.setattr(servers, "REDIS_PORT", servers.REDIS_PORT - 200 * number)


def eventually(true: Callable[[], object], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def python(folder: Path, name: str, code: str, **settings: object) -> Program:
    """A child that runs some lines of Python, with its log in the folder."""
    fields: dict[str, object] = {
        "name": name,
        "argv": [sys.executable, "-c", code],
        "env": dict(os.environ),
        "folder": folder,
        "log": folder / f"{name}.log",
    }
    return Program(**(fields | settings))  # type: ignore[arg-type]  # a table of keyword arguments
