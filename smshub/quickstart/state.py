"""The state folder (`.smshub`): data, logs and secrets of one checkout, used by one `up` at a time."""

import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smshub.quickstart import environment
from smshub.quickstart.errors import QuickstartError

NEEDED_BYTES = 500 * 1024**2


@dataclass(frozen=True, slots=True)
class State:
    """Where things lie. `open_state` makes one."""

    root: Path

    @property
    def env(self) -> Path:
        return self.root / environment.FILE_NAME

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        """The Postgres data folder, or a link to it."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def beat_schedule(self) -> Path:
        return self.root / "beat-schedule"


def open_state(root: Path) -> State:
    """Make the folder if need be. Raises QuickstartError if it cannot be used."""
    state = State(root.absolute())
    try:
        state.root.mkdir(parents=True, exist_ok=True)
        for folder in (state.logs, state.redis):
            folder.mkdir(exist_ok=True, mode=0o700)
        if os.stat(state.root).st_uid == os.geteuid():
            # Others may pass through (Postgres may have to run as another user) but not look around.
            state.root.chmod(0o711)
    except OSError as error:
        raise QuickstartError(_not_ours(state.root, error.strerror or str(error))) from error
    for path in (state.root, state.logs, state.redis, state.env):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise QuickstartError(_not_ours(path, "permission denied"))
    if shutil.disk_usage(state.root).free < NEEDED_BYTES:
        raise QuickstartError(f"Less than 500 MB are free on the disk of {state.root}. Make room and start again.")
    return state


def _not_ours(path: Path, why: str) -> str:
    existing = next(p for p in (path, *path.parents) if p.exists())
    owner, we = user_name(existing.stat().st_uid), user_name(os.geteuid())
    return (
        f"Cannot write to {path} ({why}). {existing} belongs to {owner}, and this is {we}. "
        f"Run as {owner}, or give the folder to this user: chown -R {we} {existing}"
    )


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextmanager
def exclusive(state: State) -> Iterator[None]:
    """Hold the folder for this process. The kernel opens the lock when the process ends, however it ends."""
    path = state.root / "lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = file.read().strip() or "unknown"
            raise QuickstartError(
                f"SMSHub is already running from {state.root} (process {holder}). "
                f"Use that one, or stop it first: Ctrl-C in its terminal, or kill {holder}"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
