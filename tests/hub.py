"""The whole hub as real processes around the test database: web, workers, beat and the simulated carrier."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
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
from smshub.quickstart.up import RANKS
from tests.nursery import Nursery

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
    # Faults are what most tests are about; what they do to a campaign by themselves is tested on its own.
    "AUTO_PAUSE_FILTERED_PERCENT": "100",
    "AUTO_PAUSE_FAILED_PERCENT": "100",
    "HEALTH_WINDOW_SECONDS": "15",
    "HEALTH_STEP_PERCENT": "45",
    "HEALTH_MIN_SECONDS": "1",
    "HEALTH_RISE_SECONDS": "2",
    "HEALTH_OPEN_SECONDS": "3",
    "HEALTH_OPEN_MOST_SECONDS": "6",
    "FAILOVER_SECONDS": "1",
}

_TABLES = """
SELECT array_agg(format('%I', relname))
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  AND relname ~ '^(contacts|delivery|campaigns|api)_' AND relname <> 'delivery_month'
"""
#: Whether any other session is about to commit what it has written.
_WRITING = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
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
    """Start it once; between tests `clean` empties the tables and the carrier's ledger.

    Ids go on counting, so that nothing that is remembered of a provider or a campaign (limits, wake-ups, windows,
    a loop still running) is taken for another test's.
    """

    folder: Path
    dispatchers: int = 1
    loads_once: bool = False
    """Whether its first workers come from the nursery too: there is another hub in this run whose workers do not."""
    web_port: int = field(default_factory=lambda: free_port(0))
    simulator_port: int = field(default_factory=lambda: free_port(0))
    smpp_port: int = field(default_factory=lambda: free_port(0))
    door_port: int = field(default_factory=lambda: free_port(0))
    """Where the carrier speaks SMPP, to `simulator.__main__.DEFAULT_SMPP`."""
    processes: Processes = field(init=False)
    nursery: Nursery = field(init=False)
    worn: bool = False
    """Whoever is next begins with new workers."""
    _logged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nursery = Nursery(self.environment(), of_all=self.loads_once)
        self.processes = Processes(launch=self.nursery.launch)

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
        self.nursery.open()
        for name in commands.STARTED:
            self.start_one(name)
        for number in range(1, self.dispatchers):
            self.start_one("dispatch", called=f"dispatch{number}")
        self.wait_healthy(*self.processes.names)

    def start_one(self, name: str, *, called: str = "", clock_off: float = 0) -> None:
        """Start one program; `called` sets a second of its kind apart, `clock_off` its clock, by seconds."""
        called = called or name
        instance = f"{called}{self.web_port}"
        self.processes.start(
            Program(
                name=called,
                argv=commands.argv(
                    name,
                    web_port=self.web_port,
                    simulator_port=self.simulator_port,
                    smpp_port=self.smpp_port,
                    door_port=self.door_port,
                    schedule=self.folder / f"{called}.schedule",
                    instance=instance,
                ),
                env=self.environment() | (_in_another_time(clock_off) if clock_off else {}),
                folder=ROOT,
                log=self.folder / f"{called}.log",
                # Celery's remote control asks workers of another time in vain: to them, each question is too old.
                healthy=None if clock_off else self._health(name, instance),
                rank=RANKS[name],
                grace=10,
            )
        )

    def _health(self, name: str, instance: str) -> Callable[[int], bool] | None:
        if name in commands.WORKERS:
            node = commands.node_name(name, instance)
            return lambda _pid: _answers(node)
        if name == "smpp-door":
            return lambda _pid: _takes_connections(self.door_port)
        urls = {"web": f"{self.url}/health/live", "simulator": f"{self.carrier_url}/_simulator/health"}
        return answers_http(urls[name]) if name in urls else None

    def wait_healthy(self, *names: str) -> None:
        # Two hubs may start at once, ten processes each, beside whatever else is tested.
        self.processes.wait_healthy(names, 180)

    def kill(self, name: str, *, again: bool = True) -> None:
        """`kill -9` of a program with all its children, and its start anew if it is to run `again`."""
        pid = self.processes.pid(name)
        os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: not _alive(pid), seconds=10, what=f"{name} to be dead")
        if again:
            self.start_one(name.rstrip("0123456789"), called=name)

    def renew(self) -> None:
        """Start it if it rests, and give it new workers for worn ones."""
        if not self.is_up:
            self.start()
        elif self.worn:
            workers = [name for name in self.processes.names if name not in ("web", "beat", "simulator")]
            for name in workers:
                self.kill(name)
            self.wait_healthy(*workers)
        self.worn = False

    @property
    def is_up(self) -> bool:
        return bool(self.processes.names)

    def stop(self) -> None:
        self.processes.stop()
        self.nursery.close()

    def clean(self) -> None:
        """Empty every table of ours, and the ledger. Workers are up: a deadlock with one is tried again.

        Each table that is emptied gets new files, with all its indexes: only those are in which there is anything,
        unless somebody is about to commit.
        """
        self.carrier.reset()
        self._logged = {name: (self.folder / f"{name}.log").stat().st_size for name in self.processes.names}
        for attempt in range(10):
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '2s'")
                    cursor.execute(_TABLES)
                    (tables,) = cursor.fetchone()
                    cursor.execute(_WRITING)
                    (is_written,) = cursor.fetchone()
                    if not is_written:
                        filled = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
                        cursor.execute(" UNION ALL ".join(filled))
                        tables = [table for (table,) in cursor.fetchall()]
                    if tables:
                        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
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

    @property
    def logs(self) -> list[Path]:
        """All that any process has written since the start, whoever ran under that name."""
        return sorted(self.folder.glob("*.log*"))

    def tails(self) -> Iterator[tuple[str, str]]:
        """What each program has logged since the tables were emptied, its end; silent ones are left out."""
        for name in self.processes.names:
            log = self.folder / f"{name}.log"
            start = self._logged.get(name, 0)
            said = log.read_bytes()[start if log.stat().st_size >= start else 0 :].decode(errors="replace").strip()
            if said:
                yield name, "\n".join(said.splitlines()[-40:])


def _answers(node: str) -> bool:
    """Whether a worker does, by Celery's remote control; over a connection that has seen no broker come and go."""
    with app.connection_for_write() as broker:
        return bool(app.control.ping(destination=[node], timeout=0.5, connection=broker))


def _takes_connections(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def _in_another_time(seconds: float) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "tests" / "chaos" / "skew"), "CLOCK_OFF_SECONDS": str(seconds)}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has no memory left; its parent reaps it in its own time.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
