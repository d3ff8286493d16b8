"""The whole hub as real processes around the test database: web, workers, beat and the simulated carrier."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection

from delivery.models import Provider, Sender
from simulator.client import Simulator
from smshub.celery import app
from smshub.quickstart import commands
from smshub.quickstart.processes import Processes, Program, answers_http
from smshub.quickstart.servers import free_port

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT = "AC" + "0" * 32
AUTH_TOKEN = "simulator-auth-token"
SENDER = "+15005550006"

#: Minutes of production in seconds of a test.
QUICK = {
    "LEASE_SECONDS": "6",
    "SEND_TIMEOUT": "3",
    "ASK_AFTER_SECONDS": "4",
    "ASK_UNCERTAIN_AFTER_SECONDS": "2",
    "BELIEVE_ABSENCE_AFTER_SECONDS": "8",
}

_TABLES = """
SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables
WHERE schemaname = 'public' AND tablename ~ '^(contacts|delivery|campaigns|api)_'
"""


def wait_for(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Look until the condition holds; fail with `what` was waited for when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:g} s in vain: {what}")
        time.sleep(0.05)


@dataclass
class Hub:
    """Start it once; between tests `clean` empties the database, Redis and the carrier's ledger."""

    folder: Path
    dispatchers: int = 1
    web_port: int = field(default_factory=lambda: free_port(0))
    simulator_port: int = field(default_factory=lambda: free_port(0))
    processes: Processes = field(default_factory=Processes)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def carrier_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def carrier(self) -> Simulator:
        return Simulator(self.carrier_url)

    def environment(self) -> dict[str, str]:
        database = connection.settings_dict
        return {
            **os.environ,
            **QUICK,
            "DATABASE_URL": (
                f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
                f"/{database['NAME']}"
            ),
            "REDIS_PREFIX": settings.REDIS_PREFIX,
            "PUBLIC_URL": self.url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
        }

    def start(self) -> None:
        health: dict[str, Callable[[int], bool]] = {
            "web": answers_http(f"{self.url}/health/live"),
            "simulator": answers_http(f"{self.carrier_url}/_simulator/health"),
        }
        for name in commands.COMMANDS:
            self.start_one(name, healthy=health.get(name))
        for number in range(1, self.dispatchers):
            self.start_one("dispatch", called=f"dispatch{number}")
        self.processes.wait_healthy(self.processes.names, 60)

    def start_one(
        self, name: str, *, called: str = "", healthy: Callable[[int], bool] | None = None
    ) -> None:
        """Start one program; `called` sets a second of its kind apart."""
        called = called or name
        instance = f"{called}{self.web_port}"
        if name in commands.WORKERS:
            node = commands.node_name(name, instance)
            healthy = lambda _pid: bool(app.control.ping(destination=[node], timeout=0.5))  # noqa: E731
        self.processes.start(
            Program(
                name=called,
                argv=commands.argv(
                    name,
                    web_port=self.web_port,
                    simulator_port=self.simulator_port,
                    schedule=self.folder / "beat",
                    instance=instance,
                ),
                env=self.environment(),
                folder=ROOT,
                log=self.folder / f"{called}.log",
                healthy=healthy,
                rank={"web": 0, "beat": 0, "simulator": 2}.get(name, 1),
                grace=10,
            )
        )

    def kill(self, name: str) -> None:
        """`kill -9` of a program with all its children, and its start anew."""
        pid = self.processes.pid(name)
        os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: not _alive(pid), seconds=10, what=f"{name} to be dead")
        self.start_one(name.rstrip("0123456789"), called=name)

    def stop(self) -> None:
        self.processes.stop()

    def clean(self) -> None:
        """Empty every table of ours, and the ledger. Workers are up: a deadlock with one is tried again."""
        self.carrier.reset()
        for attempt in range(10):
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '2s'")
                    cursor.execute(_TABLES)
                    (tables,) = cursor.fetchone()
                    cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
                    cursor.execute("RESET lock_timeout")
                return
            except OperationalError:
                if attempt == 9:
                    raise
                time.sleep(0.2)

    def provider(self, *, rate: int = 2000, max_in_flight: int = 100) -> Provider:
        """An account with the simulated carrier, and its default sender."""
        provider = Provider.objects.create(
            name="Carrier",
            adapter="twilio",
            settings={"account_sid": ACCOUNT, "base_url": self.carrier_url},
            credentials={"auth_token": AUTH_TOKEN},
            rate=rate,
            max_in_flight=max_in_flight,
        )
        Sender.objects.create(provider=provider, address=SENDER, is_default=True)
        return provider

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has no memory left; its parent reaps it in its own time.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
