"""The `up` command before anything is started: what it refuses, and what it is made of."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smshub.quickstart import commands
from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.servers import free_port
from smshub.quickstart.state import exclusive, open_state
from smshub.quickstart.up import RANKS, Options, check_ports
from tests.quickstart.conftest import PROJECT


def up(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "up", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)


def test_a_taken_port_is_named_with_a_free_one_and_the_way_to_choose_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(QuickstartError, match=rf"Port {port}, meant for the web pages.*make run WEB_PORT=\d+"):
            check_ports(Options(web_port=port, simulator_port=8900, contacts=1))


def test_the_port_of_smpp_is_named_as_the_others_are() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = Options(web_port=free_port(0), simulator_port=free_port(0), smpp_port=port, contacts=1)
        with pytest.raises(QuickstartError, match=rf"Port {port}, meant for .*SMPP, .*make run SMPP_PORT=\d+"):
            check_ports(options)


def test_a_second_up_says_which_process_holds_the_folder(tmp_path: Path) -> None:
    with exclusive(open_state(tmp_path / "state")):
        done = up("--state", str(tmp_path / "state"))
    assert done.returncode == 1
    assert "already running" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_database_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://them:secret@127.0.0.1:{free_port(0)}/db")
    done = up("--state", str(tmp_path / "state"), "--web-port", str(free_port(0)))
    assert done.returncode == 1
    assert "The Postgres of DATABASE_URL cannot be used" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_wrong_option_ends_with_the_usage() -> None:
    done = up("--web-port", "99999")
    assert done.returncode == 2
    assert "'99999' is not a port" in done.stderr


def test_every_program_has_its_place_in_the_order_of_stopping() -> None:
    assert RANKS.keys() == commands.COMMANDS.keys()
    assert max(RANKS[name] for name in ("web", "beat")) < min(RANKS[name] for name in commands.WORKERS)
    assert max(RANKS[name] for name in commands.WORKERS) < RANKS["simulator"]


def test_every_field_of_a_command_is_filled() -> None:
    for name in commands.COMMANDS:
        argv = commands.argv(name, web_port=1, simulator_port=2, smpp_port=3, schedule=Path("/s"), python="python")
        assert argv[0] == "python"
        assert argv[1] in ("-m", "manage.py")
        assert not [part for part in argv if "{" in part]


def test_two_sets_on_one_redis_have_workers_of_different_names() -> None:
    assert commands.node_name("worker") == f"worker@{socket.gethostname()}"
    argv = commands.argv("worker", instance="a")
    assert argv[argv.index("-n") + 1] == "worker-a@%h"
    assert commands.node_name("worker", "a") != commands.node_name("worker", "b")
