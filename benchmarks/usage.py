"""What processes have used up: CPU time of a whole tree, and memory. Linux only."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Used:
    cpu: float
    """Seconds, with those of children that have ended."""
    peak: float
    """MB resident, of the largest process of them; for Postgres that includes its shared buffers."""


def used(pids: Mapping[str, int]) -> dict[str, Used]:
    """By kind of program: `dispatch` and `dispatch1` are one."""
    kinds: dict[str, Used] = {}
    for name, pid in pids.items():
        kind, one = name.rstrip("0123456789"), _tree(pid)
        sofar = kinds.get(kind, Used(0.0, 0.0))
        kinds[kind] = Used(sofar.cpu + one.cpu, max(sofar.peak, one.peak))
    return kinds


def _tree(pid: int) -> Used:
    cpu = peak = 0.0
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            peak = max(peak, peak_memory(process.pid))
    return Used(cpu, peak)


def peak_memory(pid: int | None = None) -> float:
    """MB, of this process or that one since it became its program; `ru_maxrss` would know its parent's too."""
    for line in Path(f"/proc/{pid or 'self'}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def pin(pid: int, cores: list[int]) -> None:
    """Let a process and its present children run on these cores only; later children inherit it."""
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.cpu_affinity(cores)
