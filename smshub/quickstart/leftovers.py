"""Servers that an earlier, killed `up` left running in our data folder. Call only while holding the lock."""

import os
import signal
import subprocess
import time
from pathlib import Path

from smshub.quickstart.errors import QuickstartError

# A server normally ends with its parent at once; this is for one in the middle of a checkpoint.
PATIENCE_SECONDS = 30.0


def end_leftovers(folder: Path, program: str, pid_file: Path, stop_signal: signal.Signals) -> None:
    """Stop what still works in `folder`, then remove a pid file that names nobody of ours.

    Postgres must never be started beside its own orphans, and it refuses to start when its stale pid file
    happens to name a living process of someone else.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    first = _first_number(pid_file)
    asked = False
    while pids := _working_in(folder, program, first):
        if not asked and (first in pids or first is None):
            # The main process takes its helpers along; helpers without one end by themselves.
            os.kill(first if first is not None else min(pids), stop_signal)
            asked = True
        if time.monotonic() > deadline:
            raise QuickstartError(
                f"A {program} of an earlier run (process {min(pids)}) still works in {folder} and does not "
                f"stop. End it (kill {min(pids)}) and start again."
            )
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _first_number(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _working_in(folder: Path, program: str, pid: int | None) -> list[int]:
    """Processes of that program whose working directory is the folder, which is where our servers stand."""
    if Path("/proc/self/cwd").exists():
        candidates = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [candidate for candidate in candidates if _stands_in(candidate, folder, program)]
    # Without /proc: the process of the pid file, if its command line names our folder.
    if pid is None:
        return []
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return [pid] if program in shown.stdout and str(folder) in shown.stdout else []


def _stands_in(pid: int, folder: Path, program: str) -> bool:
    process = Path("/proc") / str(pid)
    try:
        return (process / "cwd").readlink() == folder and (process / "comm").read_text().strip() == program
    except OSError:
        return False
