import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from twilio.rest import Client

from simulator.client import Simulator
from tests.simulator.esme import PASSWORD, SYSTEM_ID, Esme

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "AC" + "0" * 32
TOKEN = "simulator-auth-token"
SENDER = "+15005550006"

PATIENCE = 10.0


def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """The first truthy value of `condition`, asked again and again until the deadline."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)
    return value


@dataclass
class Running:
    url: str
    control: Simulator
    process: subprocess.Popen[str]
    ports: dict[str, int]
    """By the scheme of what is spoken there: http, and where asked for smpp and smpps."""

    def client(self, account: str = ACCOUNT, token: str = TOKEN) -> Client:
        client = Client(account, token)
        client.api.base_url = self.url
        return client


def launch(*options: str) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    urls = []
    for _ in range(1 + sum(option in options for option in ("--smpp-port", "--smpp-tls-port"))):
        ready = process.stdout.readline()
        assert ready.startswith("simulator: listening on "), ready
        urls.append(urlsplit(ready.rsplit(" ", 1)[1].strip()))
    url = urls[0].geturl()
    control = Simulator(url)
    control.wait_healthy(PATIENCE)
    return Running(url, control, process, {each.scheme: each.port or 0 for each in urls})


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    smpp = ["--smpp-account", f"{SYSTEM_ID}:{PASSWORD}", "--smpp-account", "another:secret:2"]
    carrier = launch("--smpp-port", "0", "--smpp-tls-port", "0", *smpp)
    yield carrier
    carrier.process.terminate()
    assert carrier.process.wait(PATIENCE) == 0


@pytest.fixture
def carrier(running: Running) -> Running:
    """The carrier with an empty ledger and quick receipts."""
    running.control.reset(seed=1, receipt_delay_ms=40, receipt_jitter_ms=0)
    return running


@pytest.fixture
def start_carrier() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*options: str) -> Running:
        started.append(launch(*options))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
    for each in started:
        each.process.wait(PATIENCE)


@pytest.fixture
def client(carrier: Running) -> Client:
    return carrier.client()


@pytest.fixture
def connect(carrier: Running) -> Iterator[Callable[[], Esme]]:
    """Opens connections to the service centre, which end with the test."""
    opened: list[Esme] = []

    def connect() -> Esme:
        opened.append(Esme(carrier.ports["smpp"]))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()
    until(lambda: carrier.control.smsc()["connections"] == 0)


@pytest.fixture
def esme(connect: Callable[[], Esme]) -> Esme:
    """A transceiver."""
    return connect().bind()


@dataclass
class Hook:
    """One request that a webhook received."""

    url: str
    headers: dict[str, str]
    form: dict[str, str]
    at: float

    @property
    def status(self) -> str:
        return self.form["MessageStatus"]


@dataclass
class Webhooks:
    """A real HTTP server that writes down what is posted to it and answers as told."""

    url: str
    received: list[Hook] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 200 when there are none left."""
    body: bytes = b""

    def wait(self, number: int) -> list[Hook]:
        until(lambda: len(self.received) >= number)
        return self.received

    def statuses(self) -> list[str]:
        return [hook.status for hook in self.received]


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            form = dict(parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True))
            # The answer is chosen before the request is shown to the test, which may then change the next.
            status = book.answers.pop(0) if book.answers else 200
            body = book.body
            address = f"http://{self.headers['Host']}{self.path}"
            book.received.append(Hook(address, dict(self.headers), form, time.monotonic()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    book = Webhooks(f"http://127.0.0.1:{server.server_port}/status?uuid=abc&x=1%202")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield book
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    """A port that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
