"""Children: healthy before we go on, started again when they die, stopped in order, gone when we are gone."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.processes import Processes, answers_http
from tests.quickstart.conftest import eventually, python

SLEEP = "import time; time.sleep(600)"
ON_TERM = """
import pathlib, signal, sys, time
def end(*_):
    with open("order", "a") as file: file.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path({name!r}).touch()
time.sleep(600)
"""
STUBBORN = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("grandchild").write_text(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def processes(notices: list[str]) -> Iterator[Processes]:
    processes = Processes(notice=notices.append)
    yield processes
    processes.hurry = True
    processes.stop()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_output_goes_to_the_log_and_older_logs_are_kept(tmp_path: Path, processes: Processes) -> None:
    for run in ("first", "second"):
        processes.start(python(tmp_path, "child", f"print({run!r}, flush=True); {SLEEP}"))
        eventually(lambda: (tmp_path / "child.log").read_text().strip())
        processes.stop()
    assert (tmp_path / "child.log").read_text() == "second\n"
    assert (tmp_path / "child.log.1").read_text() == "first\n"
    assert (tmp_path / "child.log").stat().st_mode & 0o777 == 0o600


def test_waiting_ends_when_the_child_is_healthy(tmp_path: Path, processes: Processes) -> None:
    ready = tmp_path / "ready"
    code = f"open('ready', 'w'); {SLEEP}"
    processes.start(python(tmp_path, "child", code, healthy=lambda _pid: ready.exists()))
    processes.wait_healthy(["child"], within=30)
    assert ready.exists()


def test_a_child_that_dies_while_starting_is_told_with_the_end_of_its_log(tmp_path: Path, processes: Processes) -> None:
    code = "import sys; print('the table is missing', flush=True); sys.exit(3)"
    processes.start(python(tmp_path, "web", code, healthy=lambda _pid: False))
    with pytest.raises(QuickstartError, match=r"(?s)web ended while starting \(exit status 3\).*table is missing"):
        processes.wait_healthy(["web"], within=30)


def test_a_child_that_never_gets_healthy_is_told(tmp_path: Path, processes: Processes) -> None:
    processes.start(python(tmp_path, "web", SLEEP, healthy=lambda _pid: False))
    with pytest.raises(QuickstartError, match="web was not ready within 0 s"):
        processes.wait_healthy(["web"], within=0)


def test_a_killed_child_is_started_again_with_a_notice(
    tmp_path: Path, processes: Processes, notices: list[str]
) -> None:
    processes.start(python(tmp_path, "worker", SLEEP))
    first = processes.pid("worker")
    os.kill(first, signal.SIGKILL)

    def tended() -> bool:
        processes.tend()
        return processes.pid("worker") != first

    eventually(tended)
    assert psutil.pid_exists(processes.pid("worker"))
    assert notices[0].startswith("worker ended (killed by SIGKILL); starting it again in 0.5 s")


def test_a_child_that_keeps_dying_is_started_less_and_less_often(
    tmp_path: Path, processes: Processes, notices: list[str]
) -> None:
    processes.start(python(tmp_path, "worker", "import sys; sys.exit(1)"))

    def tended() -> bool:
        processes.tend()
        return len(notices) == 3

    eventually(tended)
    assert [notice.split(" in ")[1].split(" s.")[0] for notice in notices] == ["0.5", "1", "2"]


def test_children_stop_rank_by_rank(tmp_path: Path, processes: Processes) -> None:
    for name, rank in (("postgres", 4), ("web", 0), ("simulator", 2), ("worker", 1)):
        ready = tmp_path / name
        program = python(
            tmp_path,
            name,
            ON_TERM.format(name=name),
            rank=rank,
            healthy=lambda _pid, ready=ready: ready.exists(),
        )
        processes.start(program)
    processes.wait_healthy(processes.names, within=60)
    processes.stop()
    assert (tmp_path / "order").read_text().split() == ["web", "worker", "simulator", "postgres"]


def test_a_child_that_will_not_stop_is_killed_with_all_it_started(
    tmp_path: Path, processes: Processes, notices: list[str]
) -> None:
    grandchild = tmp_path / "grandchild"
    processes.start(
        python(
            tmp_path,
            "worker",
            STUBBORN,
            grace=0.2,
            healthy=lambda _pid: grandchild.exists() and grandchild.read_text(),
        )
    )
    processes.wait_healthy(["worker"], within=30)
    pid = int(grandchild.read_text())
    processes.stop()
    assert "was killed" in notices[0]
    eventually(lambda: gone(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_go_when_the_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, time
from smshub.quickstart.processes import Processes
from tests.quickstart.conftest import python
folder = pathlib.Path({str(tmp_path)!r})
processes = Processes()
processes.start(python(folder, "child", "import time; open('ready', 'w'); time.sleep(600)"))
(folder / "pid.new").write_text(str(processes.pid("child")))
(folder / "pid.new").rename(folder / "pid")
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    eventually((tmp_path / "pid").exists)
    eventually((tmp_path / "ready").exists)
    parent.kill()
    parent.wait()
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: gone(child))


def test_health_by_url() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        answers = {status: answers_http(f"{base}/{status}")(0) for status in (200, 404, 503)}
        server.shutdown()
        thread.join()
    assert answers == {200: True, 404: True, 503: False}
    assert answers_http(f"{base}/200")(0) is False
