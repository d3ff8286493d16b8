"""Child processes: start, wait until healthy, start again when they die, stop in order, leave nothing behind.

Start them from the main thread: the kernel ends a child when the *thread* that started it ends.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from smshub.quickstart.errors import QuickstartError

GUARD = Path(__file__).with_name("guard.py")
POLL_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 30.0
# A child that ran this long has proved itself: its next death starts the backoff anew.
PROVEN_SECONDS = 60.0
KEPT_LOGS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and how to treat it.

    `healthy` answers whether it does its work (None: being alive is enough). Lower `rank` stops earlier.
    `stop_signal` asks it to end, also if we are killed; after `grace` seconds its whole group is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    log: Path
    healthy: Callable[[int], bool] | None = None
    rank: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    identity: str = "self"


class Process(Protocol):
    """What is asked of a process that leads its group: a Popen answers it."""

    pid: int
    returncode: int

    def poll(self) -> int | None: ...
    def wait(self) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass(slots=True)
class Child:
    program: Program
    process: Process
    started: float
    failures: int = 0
    retry_at: float | None = None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


@dataclass(slots=True)
class Processes:
    """The set of children of one `up` or one test. `hurry` cuts every grace to a second; `launch` starts each."""

    notice: Callable[[str], None] = lambda _text: None
    hurry: bool = False
    launch: Callable[[Program], Process] = field(default_factory=lambda: launch)
    _children: dict[str, Child] = field(default_factory=dict)

    def start(self, program: Program) -> None:
        rotate(program.log)
        self._children[program.name] = Child(program, self.launch(program), time.monotonic())

    @property
    def names(self) -> list[str]:
        return list(self._children)

    def pid(self, name: str) -> int:
        return self._children[name].process.pid

    def ended(self, name: str) -> bool:
        return not self._children[name].alive

    def start_again(self, name: str) -> None:
        """Start a child anew, as it was started first, when it has ended."""
        self.start(self._children[name].program)

    def wait_healthy(self, names: Iterable[str], within: float) -> None:
        """Wait for all of them. Raises QuickstartError with the end of the log if one died or time is up."""
        waiting = list(names)
        deadline = time.monotonic() + within
        while waiting:
            waiting = [name for name in waiting if not self._is_healthy(name)]
            if waiting and time.monotonic() > deadline:
                program = self._children[waiting[0]].program
                raise QuickstartError(f"{program.name} was not ready within {within:.0f} s.{tail(program.log)}")
            if waiting:
                time.sleep(POLL_SECONDS)

    def _is_healthy(self, name: str) -> bool:
        child = self._children[name]
        if not child.alive:
            raise QuickstartError(f"{name} ended while starting ({_how(child.process)}).{tail(child.program.log)}")
        return child.program.healthy is None or child.program.healthy(child.process.pid)

    def tend(self) -> None:
        """Start again what died, waiting longer each time. Call it a few times per second."""
        now = time.monotonic()
        for child in self._children.values():
            if child.alive:
                continue
            if child.retry_at is None:
                _kill_group(child.process)
                child.failures = 0 if now - child.started > PROVEN_SECONDS else child.failures
                delay = min(0.5 * 2**child.failures, LONGEST_BACKOFF_SECONDS)
                child.failures += 1
                child.retry_at = now + delay
                self.notice(
                    f"{child.program.name} ended ({_how(child.process)}); starting it again in {delay:g} s. "
                    f"Its log: {child.program.log}"
                )
            elif now >= child.retry_at:
                child.process, child.started, child.retry_at = self.launch(child.program), now, None

    def discard(self, name: str) -> None:
        """Stop one child and forget it."""
        self._stop([self._children.pop(name)])

    def stop(self) -> None:
        """Stop everything, rank by rank, each rank together."""
        for rank in sorted({child.program.rank for child in self._children.values()}):
            self._stop([child for child in self._children.values() if child.program.rank == rank])
        self._children.clear()

    def _stop(self, children: list[Child]) -> None:
        asked = time.monotonic()
        for child in children:
            if child.alive:
                child.process.send_signal(child.program.stop_signal)
        for child in children:
            while child.alive:
                waited = time.monotonic() - asked
                if waited > (min(1.0, child.program.grace) if self.hurry else child.program.grace):
                    self.notice(f"{child.program.name} did not stop within {waited:.0f} s and was killed.")
                    child.process.kill()
                    child.process.wait()
                else:
                    time.sleep(POLL_SECONDS)
            _kill_group(child.process)


def guarded(
    argv: Sequence[str],
    *,
    identity: str = "self",
    folder: Path = Path("/"),
    stop_signal: signal.Signals = signal.SIGTERM,
) -> list[str]:
    """The command line that runs `argv` under an identity of `guard.py`, and ends with this process."""
    guard = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), str(int(stop_signal))]
    return [*guard, identity, str(folder), *argv]


def launch(program: Program) -> Process:
    """Start it by its command line, as the leader of a group of its own that ends with this process."""
    descriptor = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            guarded(
                program.argv,
                identity=program.identity,
                folder=program.folder,
                stop_signal=program.stop_signal,
            ),
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            # Ctrl-C in the terminal reaches us only; we stop the children, in order.
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _kill_group(process: Process) -> None:
    """End whatever the dead leader of the group left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _how(process: Process) -> str:
    code = process.returncode
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def rotate(log: Path) -> None:
    for number in range(KEPT_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log, indented for the end of a message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        last = file.read().decode(errors="replace").strip().splitlines()[-lines:]
    return f" Its log, {log}, ends:\n" + "\n".join(f"  {line}" for line in last) if last else ""


def answers_http(url: str) -> Callable[[int], bool]:
    """A health check: something below 500 comes back from the URL."""

    def check(_pid: int) -> bool:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    return check
