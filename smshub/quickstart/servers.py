"""The embedded servers together: secrets, ports, start. What the environment already names is left alone."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from smshub.quickstart import environment, postgres, valkey
from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.processes import Processes, Program
from smshub.quickstart.state import State, exclusive, open_state

POSTGRES_PORT = 54329
REDIS_PORT = 63799
ANY_PORT = 0
START_SECONDS = 60.0


@contextmanager
def embedded_servers(root: Path | None = None, *, durable: bool = True) -> Iterator[dict[str, str]]:
    """Real servers for a test run or a script: yields the environment variables that lead to them.

    `root` keeps the data between runs and admits one user at a time; None is a folder of its own, gone
    afterwards. `durable=False` trades safety in a power cut for speed. Servers named by DATABASE_URL or
    REDIS_URL are used instead of ours. Call it from the main thread, before Django reads its settings.
    """
    with ExitStack() as stack:
        private = root is None
        root = root or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smshub-")))
        state = open_state(root)
        stack.enter_context(exclusive(state))
        processes = Processes()
        stack.callback(processes.stop)
        yield start_servers(state, processes, durable=durable, any_port=private)


def start_servers(
    state: State, processes: Processes, *, durable: bool = True, any_port: bool = False
) -> dict[str, str]:
    """Start what the environment does not name; the caller holds the lock and stops `processes`.

    Returns DATABASE_URL, REDIS_URL and the secrets, and remembers ours in `.smshub/env`.
    """
    ours = _secrets(state)
    if not environment.given("DATABASE_URL"):
        password, port = _credentials(ours["DATABASE_URL"])
        cluster = postgres.prepare(state, password=password, durable=durable)
        port = _start(processes, cluster.program, ANY_PORT if any_port else port)
        ours["DATABASE_URL"] = _database_url(password, port)
    if not environment.given("REDIS_URL"):
        password, port = _credentials(ours["REDIS_URL"])
        store = valkey.prepare(state, password=password, durable=durable)
        port = _start(processes, store.program, ANY_PORT if any_port else port)
        ours["REDIS_URL"] = _redis_url(password, port)
    if ours != environment.read(state.env):
        environment.write(state.env, ours)
    # What the person gave by NAME_FILE the settings read from there.
    return {
        name: os.environ[name] if environment.given(name) else value
        for name, value in ours.items()
        if f"{name}_FILE" not in os.environ
    }


def _secrets(state: State) -> dict[str, str]:
    """The remembered secrets; made and written down before anything is protected by them."""
    values = environment.read(state.env)
    if state.postgres.exists() and "DATABASE_URL" not in values:
        raise QuickstartError(
            f"{state.env} is gone or damaged, and the data in {state.postgres} is locked by its keys. "
            "Put the file back from your copy, or start afresh with: make reset"
        )
    complete = environment.new_secrets() | values
    complete.setdefault("DATABASE_URL", _database_url(secrets.token_urlsafe(24), POSTGRES_PORT))
    complete.setdefault("REDIS_URL", _redis_url(secrets.token_urlsafe(24), REDIS_PORT))
    if complete != values:
        environment.write(state.env, complete)
    return complete


def _database_url(password: str, port: int) -> str:
    return f"postgres://{postgres.USER}:{password}@127.0.0.1:{port}/{postgres.DATABASE}"


def _redis_url(password: str, port: int) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _credentials(url: str) -> tuple[str, int]:
    """Password and port out of a URL that we made."""
    parts = urlsplit(url)
    if not parts.password or not parts.port:
        raise QuickstartError("An address in .smshub/env is damaged. Put the file back from your copy, or: make reset")
    return parts.password, parts.port


def _start(processes: Processes, program: Callable[[int], Program], wanted: int) -> int:
    """Start on the wanted port or the next free one; another process may win the race for it."""
    for _attempt in range(5):
        port = free_port(wanted)
        started = program(port)
        processes.start(started)
        try:
            processes.wait_healthy([started.name], START_SECONDS)
        except QuickstartError:
            processes.discard(started.name)
            if is_free(port):
                raise
        else:
            return port
    raise QuickstartError(f"No free port for {started.name} near {wanted} could be kept; start again.")


def free_port(wanted: int) -> int:
    """The wanted port or the first free one of the hundred after it; any free one for 0."""
    if wanted == ANY_PORT:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    for port in range(wanted, min(wanted + 100, 65536)):
        if is_free(port):
            return port
    raise QuickstartError(f"Ports {wanted} to {wanted + 99} are all in use. Stop some of what listens there.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
