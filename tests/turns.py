"""What the processes of a shared run do once for all of them, and whose turn it is.

The first collects, and compiles on the way what is imported. Meanwhile the second makes the database. The others wait
for both: on two cores they would only do the same work beside them.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

#: Names a folder that the processes of such a run share.
SHARED_FOLDER = "SMSHUB_TESTS_SHARED_FOLDER"
FIRST, SECOND = "gw0", "gw1"


def folder() -> Path | None:
    """None where one process runs all tests."""
    return Path(os.environ[SHARED_FOLDER]) if SHARED_FOLDER in os.environ else None


def is_mine(process: str) -> bool:
    return os.environ.get("PYTEST_XDIST_WORKER") == process


def say(done: str) -> None:
    """Tell the other processes that this is done."""
    if (shared := folder()) is not None:
        (shared / done).touch()


def wait_for(done: str, *, seconds: float = 120) -> None:
    """Until another process says that this is done. Whoever waited in vain does it too."""
    deadline = time.monotonic() + seconds
    while (shared := folder()) is not None and not (shared / done).exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def once(name: str, make: Callable[[], bytes]) -> bytes:
    """What `make` makes, or what another process of this run has made by it."""
    shared = folder()
    if shared is None:
        return make()
    kept = shared / name
    if not kept.exists():
        mine = shared / f"{name}.{os.getpid()}"
        mine.write_bytes(make())
        mine.rename(kept)
    return kept.read_bytes()
