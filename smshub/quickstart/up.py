"""`manage.py up`: the whole hub on one machine, from nothing to a login page, and down again."""

import argparse
import importlib
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from smshub.quickstart import commands, environment
from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.processes import Processes, Program, answers_http
from smshub.quickstart.servers import free_port, is_free, start_servers
from smshub.quickstart.state import State, exclusive, open_state

BASE_DIR = Path(__file__).resolve().parents[2]
HEALTHY_SECONDS = 90.0
# Workers end before the simulator they talk to; Redis and Postgres have 3 and 4.
RANKS = {
    "web": 0,
    "beat": 0,
    "smpp-door": 0,
    "simulator": 2,
    **dict.fromkeys(("worker", "loader", "dispatch", "connector", "webhooks"), 1),
}
DEMO_MODULE = "smshub.quickstart.demo"


@dataclass(frozen=True, slots=True)
class Options:
    """`demo`: None shows it and stays up, True runs it and ends with its status, False leaves it out, and its data."""

    web_port: int
    simulator_port: int
    contacts: int
    smpp_port: int = 2775
    demo: bool | None = None

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--web-port", type=_port, default=8000, help="web pages and API (8000)")
    parser.add_argument("--simulator-port", type=_port, default=8900, help="simulated carrier (8900)")
    parser.add_argument("--smpp-port", type=_port, default=2775, help="simulated carrier, where it speaks SMPP (2775)")
    parser.add_argument("--contacts", type=int, default=10_000, help="size of the demo's audience (10000)")
    parser.add_argument(
        "--state",
        type=Path,
        default=BASE_DIR / environment.STATE_FOLDER,
        help="folder of data, secrets and logs (.smshub)",
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        help="run the demo and end with its exit status; --no-demo leaves it out, and its data; "
        "neither shows it and stays",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 1 to 65535")
    return int(text)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    add_arguments(parser)
    given = parser.parse_args(arguments)
    options = Options(
        web_port=given.web_port,
        simulator_port=given.simulator_port,
        smpp_port=given.smpp_port,
        contacts=given.contacts,
        demo=given.demo,
    )
    console = Console(stderr=False, highlight=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What was started with nohup goes on when the terminal closes.
        if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:
            signal.signal(number, _interrupt)
    try:
        state = open_state(given.state)
        with exclusive(state):
            return _run(state, options, console)
    except QuickstartError as error:
        console.print(f"[bold red]✗[/] {_plain(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        # While staying up this is the ordinary way to end; a demo that was cut short has not passed.
        return 130 if options.demo else 0


def _run(state: State, options: Options, console: Console) -> int:
    processes = Processes(notice=lambda text: console.print(f"[yellow]•[/] {_plain(text)}", soft_wrap=True))
    try:
        check_ports(options)
        _start(state, options, processes, console)
        return _stay(state, options, processes, console)
    finally:
        _let_stop_be_hurried(processes)
        if processes.names:
            console.print("Stopping…")
        processes.stop()


def check_ports(options: Options) -> None:
    """Raises QuickstartError, naming a free port, if one of ours is taken."""
    for port, what, flag, variable in (
        (options.web_port, "the web pages", "--web-port", "WEB_PORT"),
        (options.simulator_port, "the simulated carrier", "--simulator-port", "SIMULATOR_PORT"),
        (options.smpp_port, "the simulated carrier's SMPP", "--smpp-port", "SMPP_PORT"),
    ):
        if not is_free(port):
            other = free_port(port + 1)
            raise QuickstartError(
                f"Port {port}, meant for {what}, is in use by another program. Choose another: "
                f"make run {variable}={other} (or python manage.py up {flag} {other})"
            )


def _start(state: State, options: Options, processes: Processes, console: Console) -> None:
    with _step(console, "Postgres and Redis"):
        os.environ.update(start_servers(state, processes))
    os.environ.setdefault("PUBLIC_URL", options.web_url)
    # The simulated carrier stands on loopback, which the hub does not call unless told so.
    os.environ.setdefault("ALLOW_PRIVATE_PROVIDER_URLS", "true")
    # So does the application that somebody tries out beside it.
    os.environ.setdefault("ALLOW_PRIVATE_WEBHOOK_URLS", "true")
    os.environ.setdefault("LOG_FORMAT", "console")
    with _step(console, "Database tables"):
        # The settings are read here for the first time in this process, with the servers' addresses in place.
        import django

        django.setup()
        _check_answers()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        _ensure_admin()
    if _has_demo():
        demo = importlib.import_module(DEMO_MODULE)
        if options.demo is False:
            demo.connect_carrier(options.simulator_url)
        else:
            with _step(console, "Demo data"):
                demo.seed(contacts=options.contacts, simulator_url=options.simulator_url)
    with _step(console, "Web, workers, clock and simulated carrier"):
        for program in programs(state, options):
            processes.start(program)
        processes.wait_healthy(commands.STARTED, HEALTHY_SECONDS)


def _check_answers() -> None:
    """Servers that the person named may be down, or the address wrong: say so before anything depends on it."""
    import redis
    from django.conf import settings
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise QuickstartError(f"The Postgres of DATABASE_URL cannot be used: {error}") from error
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5).ping()
    except redis.RedisError as error:
        raise QuickstartError(f"The Redis of REDIS_URL cannot be used: {error}") from error


def programs(state: State, options: Options) -> list[Program]:
    """The set of `commands.STARTED` as children of this process, in its environment."""
    health: dict[str, Callable[[int], bool]] = {
        "web": answers_http(f"{options.web_url}/health/live"),
        "simulator": answers_http(f"{options.simulator_url}/_simulator/health"),
        "worker": lambda _pid: _worker_answers("worker"),
        "loader": lambda _pid: _worker_answers("loader"),
        "dispatch": lambda _pid: _worker_answers("dispatch"),
    }
    return [
        Program(
            name=name,
            argv=commands.argv(
                name,
                web_port=options.web_port,
                simulator_port=options.simulator_port,
                smpp_port=options.smpp_port,
                schedule=state.beat_schedule,
            ),
            env={**os.environ, "APPLICATION_NAME": f"smshub-{name}", "PYTHONUNBUFFERED": "1"},
            folder=BASE_DIR,
            log=state.logs / f"{name}.log",
            healthy=health.get(name),
            rank=RANKS[name],
        )
        for name in commands.STARTED
    ]


def _worker_answers(worker: str) -> bool:
    from smshub.celery import app

    return bool(app.control.ping(destination=[commands.node_name(worker)], timeout=1.0))


def _ensure_admin() -> None:
    """A first administrator, whose password is in `.smshub/env`. One that exists is left as it is."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if not users.filter(is_superuser=True).exists():
        users.create_superuser("admin", "admin@example.com", os.environ["ADMIN_PASSWORD"])


def _login_text() -> str:
    from django.contrib.auth import get_user_model

    admin = get_user_model().objects.filter(username="admin").first()
    if admin is not None and admin.check_password(os.environ["ADMIN_PASSWORD"]):
        return f"admin / {os.environ['ADMIN_PASSWORD']}"
    return "the administrator and password you have set"


def _stay(state: State, options: Options, processes: Processes, console: Console) -> int:
    """Tend the children until Ctrl-C. The demo runs beside, in a thread: signals reach the main thread."""
    _announce(state, options, console)
    demo = _Demo(options, console) if options.demo is not False and _has_demo() else None
    if options.demo and demo is None:
        raise QuickstartError("This copy of SMSHub comes without the demo.")
    if demo is not None:
        demo.start()
    try:
        while True:
            processes.tend()
            if demo is not None and options.demo and not demo.is_alive():
                return demo.status
            time.sleep(0.2)
    finally:
        if demo is not None:
            demo.stopping.set()
            demo.join(timeout=10)


class _Demo(threading.Thread):
    """Runs `demo.run`; `status` is what it returned, 1 if it failed."""

    def __init__(self, options: Options, console: Console) -> None:
        super().__init__(name="demo", daemon=True)
        self.options, self.console = options, console
        self.stopping = threading.Event()
        self.status = 1

    def run(self) -> None:
        try:
            self.status = importlib.import_module(DEMO_MODULE).run(
                web_url=self.options.web_url,
                simulator_url=self.options.simulator_url,
                contacts=self.options.contacts,
                stopping=self.stopping,
                console=self.console,
            )
        except QuickstartError as error:
            self.console.print(f"[bold red]✗[/] {_plain(str(error))}", soft_wrap=True)


def _has_demo() -> bool:
    return importlib.util.find_spec(DEMO_MODULE) is not None


def _announce(state: State, options: Options, console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("Admin", f"{options.web_url}/admin/")
    table.add_row("Login", _plain(_login_text()))
    table.add_row("API", f"{options.web_url}/api/v1/docs")
    table.add_row("Carrier (simulated)", f"{options.simulator_url}, and smpp://127.0.0.1:{options.smpp_port}")
    table.add_row("Logs", str(state.logs))
    console.print(Panel(table, title="SMSHub is up", subtitle="Ctrl-C stops everything", expand=False))


@contextmanager
def _step(console: Console, text: str) -> Iterator[None]:
    """Say what is being done, and when it is done how long it took."""
    began = time.monotonic()
    with console.status(f"{text}…"):
        yield
    console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - began:.1f} s[/]")


def _plain(text: str) -> str:
    """Keep paths and messages from being read as markup."""
    return text.replace("[", "\\[")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _let_stop_be_hurried(processes: Processes) -> None:
    """From here on a signal no longer interrupts; it shortens the wait for the children."""

    def hurry(_number: int, _frame: FrameType | None) -> None:
        processes.hurry = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, hurry)


def entry() -> None:
    sys.exit(main(sys.argv[1:]))
