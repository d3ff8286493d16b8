"""The embedded Postgres and Redis: real servers, kept data, and no state of the folder that hurts."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smshub.quickstart import environment, postgres, valkey
from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.processes import guarded
from smshub.quickstart.servers import embedded_servers, free_port
from smshub.quickstart.state import exclusive, open_state
from tests.quickstart.conftest import eventually

IS_ROOT = os.geteuid() == 0
LINUX = sys.platform == "linux"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only `nobody` may enter, outside pytest's own, which only we may enter."""
    folder = Path("/tmp") / f"smshub-closed-{os.getpid()}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


def count_visits(env: dict[str, str]) -> int:
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visit (id int)")
        connection.execute("INSERT INTO visit VALUES (1)")
        (count,) = connection.execute("SELECT count(*) FROM visit").fetchone() or (0,)
    return int(count)


def main_process(root: Path) -> psutil.Process:
    return psutil.Process(int((root / "postgres" / "postmaster.pid").read_text().split("\n")[0]))


def test_both_servers_answer_this_user_and_demand_the_password(root: Path) -> None:
    with embedded_servers(root, durable=False) as env:
        assert count_visits(env) == 1
        assert redis.from_url(env["REDIS_URL"]).ping()
        place = urlsplit(env["DATABASE_URL"])
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(
                host=place.hostname, port=place.port, user=place.username, password="wrong", dbname="smshub"
            )
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=place.hostname, port=place.port, user="postgres", password=place.password)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=urlsplit(env["REDIS_URL"]).port or 0, retry=Retry(NoBackoff(), 0)).ping()


def test_both_servers_listen_on_loopback_only(root: Path) -> None:
    with embedded_servers(root, durable=False) as env:
        ports = {urlsplit(env[name]).port for name in ("DATABASE_URL", "REDIS_URL")}
        listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr]
        assert {address.ip for address in listening if address.port in ports} == {"127.0.0.1"}


def test_postgres_is_safe_in_a_power_cut_unless_told_otherwise(root: Path) -> None:
    shown = []
    for durable in (True, False):
        with (
            embedded_servers(root, durable=durable) as env,
            psycopg.connect(env["DATABASE_URL"]) as connection,
        ):
            shown.append(connection.execute("SHOW fsync").fetchone())
    assert shown == [("on",), ("off",)]


def test_the_hubs_own_user_may_make_databases_and_is_no_superuser(root: Path) -> None:
    with embedded_servers(root, durable=False) as env, psycopg.connect(env["DATABASE_URL"]) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert rights == (False, True)


def test_data_secrets_and_ports_are_kept_between_runs(root: Path) -> None:
    seen = []
    for visit in (1, 2):
        with embedded_servers(root) as env:
            assert count_visits(env) == visit
            assert redis.from_url(env["REDIS_URL"]).incr("visits") == visit
            seen.append((env, (root / "env").read_text()))
    assert seen[0] == seen[1]
    assert (root / "env").stat().st_mode & 0o777 == 0o600


def servers_of_ours() -> set[psutil.Process]:
    return {child for child in psutil.Process().children() if child.name() in ("postgres", "valkey-server")}


def test_a_private_folder_is_gone_afterwards() -> None:
    before = servers_of_ours()
    with embedded_servers(durable=False):
        folders = {Path(server.cwd()).parent for server in servers_of_ours() - before}
        assert len(folders) == 1
    assert servers_of_ours() == before
    assert not folders.pop().exists()


def test_servers_that_the_person_named_are_used_and_ours_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://them@elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("SECRET_KEY", "theirs")
    before = servers_of_ours()
    with embedded_servers(root) as env:
        assert servers_of_ours() == before
    assert (env["DATABASE_URL"], env["REDIS_URL"]) == ("postgres://them@elsewhere/db", "redis://elsewhere")
    assert env["SECRET_KEY"] == "theirs"
    assert "elsewhere" not in (root / "env").read_text()


def test_a_taken_port_makes_way_to_the_next_and_is_remembered(root: Path) -> None:
    with embedded_servers(root, durable=False) as env:
        port = urlsplit(env["DATABASE_URL"]).port or 0
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with embedded_servers(root, durable=False) as env:
            assert (urlsplit(env["DATABASE_URL"]).port or 0) > port
            assert environment.read(root / "env")["DATABASE_URL"] == env["DATABASE_URL"]
            assert count_visits(env) == 1


def test_a_killed_postgres_recovers_even_if_its_pid_now_belongs_to_another(root: Path) -> None:
    with embedded_servers(root) as env:
        assert count_visits(env) == 1
        main_process(root).kill()
    pid_file = root / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]))
    with embedded_servers(root) as env:
        assert count_visits(env) == 2


def test_an_interrupted_creation_leaves_nothing_in_the_way(root: Path) -> None:
    code = f"""
import pathlib
from smshub.quickstart.servers import embedded_servers
with embedded_servers(pathlib.Path({str(root)!r})): pass
"""
    first = subprocess.Popen([sys.executable, "-c", code])
    eventually(lambda: list(root.glob("postgres.new-*")))
    first.kill()
    first.wait()
    assert not (root / "postgres").exists()
    with embedded_servers(root, durable=False) as env:
        assert count_visits(env) == 1
    assert not list(root.glob("postgres.new-*"))


def test_an_orphan_of_an_earlier_run_is_ended_before_a_new_server_starts(root: Path) -> None:
    with embedded_servers(root, durable=False) as env:
        password = urlsplit(env["DATABASE_URL"]).password or ""
        assert count_visits(env) == 1
    state = open_state(root)
    orphans = []
    for program in (
        postgres.prepare(state, password=password, durable=True).program(free_port(0)),
        valkey.prepare(state, password="orphan", durable=True).program(free_port(0)),
    ):
        command = guarded(program.argv, identity=program.identity, folder=program.folder)
        orphan = subprocess.Popen(command, env=dict(program.env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert program.healthy is not None
        eventually(partial(program.healthy, orphan.pid))
        orphans.append(orphan)
    with embedded_servers(root) as env:
        assert [orphan.wait(timeout=30) for orphan in orphans] == [0, 0]
        assert count_visits(env) == 2
        assert redis.from_url(env["REDIS_URL"]).ping()


def test_a_shell_that_stands_in_the_data_folder_is_no_orphan(root: Path) -> None:
    with embedded_servers(root, durable=False):
        pass
    shell = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=root / "postgres")
    with embedded_servers(root, durable=False):
        assert shell.poll() is None
    shell.kill()
    shell.wait()


@pytest.mark.skipif(not LINUX, reason="only Linux ends children with their parent")
def test_a_killed_parent_takes_the_servers_along_and_the_data_is_whole(root: Path) -> None:
    code = f"""
import pathlib, time
from smshub.quickstart.servers import embedded_servers
with embedded_servers(pathlib.Path({str(root)!r})):
    pathlib.Path({str(root)!r}, "up").touch()
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    eventually((root / "up").exists)
    children = psutil.Process(parent.pid).children(recursive=True)
    assert {"postgres", "valkey-server"} <= {child.name() for child in children}
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: not [child for child in children if child.is_running() and child.status() != "zombie"])
    with embedded_servers(root) as env:
        assert count_visits(env) == 1


def test_one_folder_admits_one_at_a_time(root: Path) -> None:
    state = open_state(root)
    with (
        exclusive(state),
        pytest.raises(QuickstartError, match=rf"already running .* \(process {os.getpid()}\)"),
        embedded_servers(root),
    ):
        pytest.fail("two at once")
    with exclusive(state):
        assert state.root.exists()


def test_data_without_its_keys_is_refused_rather_than_locked_out(root: Path) -> None:
    with embedded_servers(root, durable=False):
        pass
    (root / "env").unlink()
    with pytest.raises(QuickstartError, match="Put the file back"), embedded_servers(root):
        pytest.fail("new keys for old data")


def test_data_of_another_postgres_is_refused(root: Path) -> None:
    with embedded_servers(root, durable=False):
        pass
    (root / "postgres" / "PG_VERSION").write_text("17\n")
    with (
        pytest.raises(QuickstartError, match="made by Postgres 17, and this is Postgres 18"),
        embedded_servers(root),
    ):
        pytest.fail("started on foreign data")


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with pytest.raises(QuickstartError, match=r"Cannot write to /proc/smshub .*Run as"):
        open_state(Path("/proc/smshub"))


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(QuickstartError, match=r"[Pp]ermission denied"):
        open_state(tmp_path / "state")
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_as_root_in_the_folder_of_another_postgres_runs_as_its_owner(closed_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(closed_folder, nobody.pw_uid, nobody.pw_gid)
    root = closed_folder / "state"
    for visit in (1, 2):
        with embedded_servers(root, durable=False) as env:
            assert main_process(root).uids().real == nobody.pw_uid
            assert count_visits(env) == visit


@pytest.mark.skipif(not (IS_ROOT and LINUX), reason="needs root, to take user namespaces away")
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_as_root_where_user_namespaces_are_off(closed_folder: Path, mode: int) -> None:
    closed_folder.chmod(mode)
    root = closed_folder / "state"
    code = f"""
import pathlib
from smshub.quickstart.servers import embedded_servers
from tests.quickstart.test_servers import count_visits, main_process
root = pathlib.Path({str(root)!r})
for visit in (1, 2):
    with embedded_servers(root, durable=False) as env:
        assert main_process(root).uids().real == 65534
        assert count_visits(env) == visit
"""
    script = Path(__file__).with_name("without_namespaces.py")
    done = subprocess.run([sys.executable, script, sys.executable, "-c", code], capture_output=True, text=True)
    data = (root / "postgres").resolve()
    if data.is_relative_to(postgres.ELSEWHERE):
        shutil.rmtree(data.parent)
    if done.returncode == 77:
        pytest.skip("no user namespace can be made here at all")
    assert done.returncode == 0, done.stderr
    assert data.is_relative_to(closed_folder) == (mode == 0o755)
