"""Processes that have loaded what they will need before they are started.

To load the product takes more than a second of a processor, and the tests start dozens of workers in the place of one
that was killed, and others to be killed. Here a process loads it once and forks for each of them: what it becomes is
what its command line says, Celery's main process with a pool of its own, for one. The first worker of each kind is
started by its command line all the same, as anywhere else, in one hub of a run at least.

Run as a script it is that process. It takes an order a line: to start a process, or to look whether one has ended.
"""

import json
import math
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smshub.quickstart.commands import WORKERS
from smshub.quickstart.guard import end_with_parent
from smshub.quickstart.processes import Process, Program, guarded, launch

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Nursery:
    """The other side of that process. Open it in the main thread: it ends with the thread that started it."""

    env: Mapping[str, str]
    of_all: bool = False
    """Whether also of a hub's first workers."""
    _known: set[str] = field(default_factory=set)
    _process: subprocess.Popen[str] | None = None
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, program: Program) -> Process:
        """As `processes.launch` does. A worker in another environment (another time, say) loads all by itself."""
        kind = program.name.rstrip("0123456789")
        is_its_turn = self.of_all or program.name in self._known
        if kind not in WORKERS or not is_its_turn or _own(program.env) != _own(self.env):
            self._known.add(program.name)
            return launch(program)
        return self.fork(program.argv, log=program.log, stop_signal=program.stop_signal)

    def fork(
        self, argv: Sequence[str], *, log: Path = Path(os.devnull), stop_signal: signal.Signals = signal.SIGKILL
    ) -> "Forked":
        """`argv` is `[python, "-m", module, argument…]` or `[python, "-c", code]`."""
        return Forked(self.ask({"argv": list(argv), "log": str(log), "stop_signal": int(stop_signal)}), self)

    def ask(self, order: dict[str, Any]) -> Any:
        with self._one_at_a_time:
            assert self._process is not None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def open(self) -> None:
        self._process = subprocess.Popen(
            guarded([sys.executable, "-m", "tests.nursery"], folder=ROOT),
            env=dict(self.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class Forked:
    """A process whose parent is the nursery."""

    pid: int
    nursery: Nursery
    returncode: int = 0
    _ended: bool = False

    def poll(self) -> int | None:
        if not self._ended:
            status = self.nursery.ask({"look": self.pid})
            if status is None:
                return None
            self._ended, self.returncode = True, os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < deadline, f"process {self.pid} did not end"
            time.sleep(0.01)
        return code

    def send_signal(self, sig: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _own(env: Mapping[str, str]) -> dict[str, str]:
    """Without what pytest tells of the test that is running."""
    return {name: value for name, value in env.items() if not name.startswith("PYTEST_")}


def _load() -> None:
    """What `celery -A smshub worker` imports before it does anything."""
    import celery.apps.worker
    import celery.bin.celery  # noqa: F401

    from smshub.celery import app

    os.environ["CELERY_SKIP_CHECKS"] = "true"
    app.loader.import_default_modules()


def _obey(order: dict[str, Any]) -> int | None:
    if "look" in order:
        ended, status = os.waitpid(order["look"], os.WNOHANG)
        return status if ended else None
    nursery = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(order, nursery)
    return pid


def _become(order: dict[str, Any], nursery: int) -> None:
    os.setsid()
    end_with_parent(nursery, order["stop_signal"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, its in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, its)
    _python, how, what, *arguments = order["argv"]
    sys.argv = [what, *arguments]
    if how == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    _load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_obey(json.loads(line))) + "\n")
        sys.stdout.flush()
