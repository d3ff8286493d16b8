"""The whole hub as the processes that production runs, with a carrier, around a fresh database."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import Servers, fresh_database
from benchmarks.usage import pin
from simulator.client import Simulator
from smshub.quickstart import commands
from smshub.quickstart.processes import Processes, Program, answers_http, tail
from smshub.quickstart.servers import ANY_PORT, free_port
from smshub.quickstart.up import BASE_DIR, HEALTHY_SECONDS, RANKS


@dataclass(frozen=True, slots=True)
class Hub:
    """`pids` has the servers as well, as far as they are ours. Its database is that of this process."""

    folder: Path
    servers: Mapping[str, int]
    web_port: int = field(default_factory=lambda: free_port(ANY_PORT))
    simulator_port: int = field(default_factory=lambda: free_port(ANY_PORT))
    smpp_port: int = field(default_factory=lambda: free_port(ANY_PORT))
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

    @property
    def pids(self) -> dict[str, int]:
        return {**{name: self.processes.pid(name) for name in self.processes.names}, **self.servers}

    def start(self, name: str, *, called: str = "") -> None:
        """Start one program; `called` sets a second of its kind apart."""
        called = called or name
        instance = f"{called}-{self.web_port}"
        argv = commands.argv(
            name,
            web_port=self.web_port,
            simulator_port=self.simulator_port,
            smpp_port=self.smpp_port,
            schedule=self.folder / f"{instance}.schedule",
            instance=instance,
        )
        self.run(called, argv, rank=RANKS[name], healthy=self._health(name, instance))

    def run(
        self,
        name: str,
        argv: Sequence[str],
        *,
        rank: int = 1,
        healthy: Callable[[int], bool] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start any program, in the hub's environment and what is given of another."""
        program = Program(
            name=name,
            argv=argv,
            env={**os.environ, "PUBLIC_URL": self.url, "APPLICATION_NAME": name, **(environment or {})},
            folder=BASE_DIR,
            log=self.folder / f"{name}.log",
            healthy=healthy,
            rank=rank,
        )
        self.processes.start(program)

    def _health(self, name: str, instance: str) -> Callable[[int], bool] | None:
        if name in commands.WORKERS:
            return lambda _pid: worker_answers(commands.node_name(name, instance))
        urls = {"web": f"{self.url}/health/live", "simulator": f"{self.carrier_url}/_simulator/health"}
        return answers_http(urls[name]) if name in urls else None

    def pin_web(self) -> list[int]:
        """One core for the web process, which is returned, the others for the servers; a client goes where there is
        room."""
        *others, own = sorted(os.sched_getaffinity(0))
        pin(self.processes.pid("web"), [own])
        for pid in self.servers.values():
            pin(pid, others or [own])
        return [own]

    def wait_healthy(self) -> None:
        self.processes.wait_healthy(self.processes.names, HEALTHY_SECONDS)


def worker_answers(node: str) -> bool:
    from smshub.celery import app

    return bool(app.control.ping(destination=[node], timeout=0.5))


@contextmanager
def hub(
    servers: Servers,
    programs: Sequence[str] = commands.STARTED,
    *,
    dispatchers: int = 1,
    migrated: bool = True,
) -> Iterator[Hub]:
    """Start these programs, `dispatchers` of dispatch, and yield when all are well; stop them at the end."""
    with fresh_database(migrated=migrated):
        ours = Hub(servers.folder, servers.pids)
        try:
            for name in programs:
                ours.start(name)
            for number in range(1, dispatchers if "dispatch" in programs else 1):
                ours.start("dispatch", called=f"dispatch{number}")
            ours.wait_healthy()
            yield ours
        except BaseException:
            # The logs are gone with the folder.
            for name in ours.processes.names:
                print(f"{name}:{tail(ours.folder / f'{name}.log')}", file=sys.stderr)
            raise
        finally:
            ours.processes.stop()


def wait_for(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Look until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s in vain for {what}.")
        time.sleep(0.1)
