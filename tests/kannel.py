"""Kannel as Debian packages it, bound to a service centre as a client: one that is not ours, and much in use.

    with kannel(folder, [Operator("ours", port, "simulate", "smppsim")]) as box:
        box.send("+14155550100", "Hello")
        box.wait_for(lambda: box.receipts)

Without Kannel its tests are skipped, unless REQUIRE_KANNEL is set. Receipts and texts come by HTTP GET to a server of
this process: `receipts`, `texts`. Manual: https://www.kannel.org/download/1.4.5/userguide-1.4.5/userguide.html.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest

from smshub.quickstart.processes import Processes, Program, answers_http
from smshub.quickstart.servers import free_port

# Debian keeps daemons where only root looks for them.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
_BOXES = ("bearerbox", "smsbox")
_HOW = "No Kannel here: install it to run the tests with it as a client (Debian: apt-get install kannel)."
_PASSWORD = "only-for-tests"
_SECONDS = 60.0

#: What a receipt says: values of %d of a dlr-url, and of dlr-mask as their sum.
DELIVERED, FAILED, BUFFERED, ACCEPTED, REFUSED = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True)
class Operator:
    """A bind, or two of them where `transceiver` is false. `settings` are those of Kannel's group smsc."""

    name: str
    port: int
    system_id: str
    password: str
    transceiver: bool = True
    settings: Mapping[str, str | int] = field(default_factory=dict)


@dataclass
class Kannel:
    send_port: int
    admin_port: int
    folder: Path
    callback_url: str
    operators: Sequence[str]
    receipts: list[dict[str, str]] = field(default_factory=list)
    """tag (as given to `send`), type (see above), operator and answer (what the operator said) of each."""
    texts: list[dict[str, str]] = field(default_factory=list)
    """from, to, text, operator of each."""

    def send(
        self,
        to: str,
        text: str,
        *,
        sender: str = "+15005550006",
        operator: str = "",
        tag: str = "",
        unicode: bool = False,
        mask: int = DELIVERED | FAILED | ACCEPTED | REFUSED,
        **further: str | int,
    ) -> None:
        """Hand over a text, for the first operator unless named; Kannel cuts it if it is long. AssertionError when
        smsbox does not take it."""
        about = urlencode({"tag": tag}) + "&type=%d&operator=%i&answer=%A"
        query: dict[str, str | int] = {
            "username": "tester",
            "password": _PASSWORD,
            "to": to,
            "from": sender,
            "text": text,
            "charset": "utf-8",
            "coding": 2 if unicode else 0,
            "dlr-mask": mask,
            "dlr-url": f"{self.callback_url}/receipt?{about}",
            "smsc": operator or self.operators[0],
            **further,
        }
        status, said = _get(f"http://127.0.0.1:{self.send_port}/cgi-bin/sendsms?{urlencode(query)}")
        assert status == 202, f"smsbox: {status} {said}"

    def status(self) -> str:
        """Its own account of itself."""
        return _get(f"http://127.0.0.1:{self.admin_port}/status.txt?password={_PASSWORD}")[1]

    def types(self, tag: str = "") -> list[int]:
        """What the receipts of this tag said, in the order in which they came."""
        return [int(receipt["type"]) for receipt in self.receipts if receipt["tag"] == tag]

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Look until the condition holds; fail with the end of bearerbox's log when it does not."""
        deadline = time.monotonic() + _SECONDS
        while not condition():
            if time.monotonic() > deadline:
                log = (self.folder / "bearerbox.log").read_text(errors="replace").splitlines()
                raise AssertionError("it did not come about in time:\n" + "\n".join(log[-40:]))
            time.sleep(0.02)


def require() -> None:
    """Skip the test where there is no Kannel, or fail it where there must be one."""
    if all(shutil.which(box, path=_PATH) for box in _BOXES):
        return
    if os.environ.get("REQUIRE_KANNEL"):
        pytest.fail(_HOW)
    pytest.skip(_HOW)


@contextmanager
def kannel(folder: Path, operators: Sequence[Operator]) -> Iterator[Kannel]:
    """Start bearerbox and smsbox, yield when all operators are bound, and stop them at the end."""
    names = [operator.name for operator in operators]
    binds = sum(len(_binds(operator)) for operator in operators)
    ports = {name: free_port(0) for name in ("admin", "boxes", "send")}
    with _callbacks() as (url, paths):
        box = Kannel(ports["send"], ports["admin"], folder, url, names, paths["/receipt"], paths["/text"])
        configuration = folder / "kannel.conf"
        configuration.write_text(_configuration(operators, ports, url))
        processes = Processes()
        health = {
            "bearerbox": lambda _pid: box.status().count("(online ") >= binds,
            "smsbox": answers_http(f"http://127.0.0.1:{box.send_port}/"),
        }
        try:
            # Smsbox ends at once where it finds no bearerbox.
            for name in _BOXES:
                processes.start(
                    Program(
                        name=name,
                        argv=[shutil.which(name, path=_PATH) or name, "-v", "1", str(configuration)],
                        env=dict(os.environ),
                        folder=folder,
                        log=folder / f"{name}.log",
                        healthy=health[name],
                        rank=1 if name == "bearerbox" else 0,
                        grace=5,
                    )
                )
                processes.wait_healthy([name], _SECONDS)
            yield box
        finally:
            processes.stop()


def _configuration(operators: Sequence[Operator], ports: Mapping[str, int], url: str) -> str:
    core = {
        "group": "core",
        "admin-port": ports["admin"],
        "admin-interface": "127.0.0.1",
        "admin-password": _PASSWORD,
        "smsbox-port": ports["boxes"],
        "smsbox-interface": "127.0.0.1",
        "box-allow-ip": "127.0.0.1",
        "dlr-storage": "internal",
        "sms-resend-freq": 1,
    }
    smsbox = {
        "group": "smsbox",
        "bearerbox-host": "127.0.0.1",
        "bearerbox-port": ports["boxes"],
        "sendsms-port": ports["send"],
        "sendsms-interface": "127.0.0.1",
    }
    user = {
        "group": "sendsms-user",
        "username": "tester",
        "password": _PASSWORD,
        "concatenation": "true",
        "max-messages": 20,
    }
    service = {
        "group": "sms-service",
        "keyword": "default",
        "catch-all": "true",
        "max-messages": 0,
        "get-url": f"{url}/text?from=%p&to=%P&text=%b&operator=%i",
    }
    binds = [bind for operator in operators for bind in _binds(operator)]
    groups: list[Mapping[str, str | int]] = [core, *binds, smsbox, user, service]
    return "\n\n".join("\n".join(f'{key} = "{value}"' for key, value in group.items()) for group in groups) + "\n"


def _binds(operator: Operator) -> list[dict[str, str | int]]:
    """A group smsc for each bind. Two that have one smsc-id are one to whoever sends by its name."""
    ways: list[dict[str, str | int]] = [{"port": operator.port, "transceiver-mode": "true"}]
    if not operator.transceiver:
        ways = [{"port": operator.port}, {"receive-port": operator.port}]
    common: dict[str, str | int] = {
        "group": "smsc",
        "smsc": "smpp",
        "smsc-id": operator.name,
        # Only what is sent by its name, and that by nobody else.
        "allowed-smsc-id": operator.name,
        "host": "127.0.0.1",
        "smsc-username": operator.system_id,
        "smsc-password": operator.password,
        "system-type": "",
        "interface-version": 34,
        "source-addr-autodetect": "true",
        "dest-addr-ton": 1,
        "dest-addr-npi": 1,
        "reconnect-delay": 1,
        **operator.settings,
    }
    return [common | way for way in ways]


@contextmanager
def _callbacks() -> Iterator[tuple[str, dict[str, list[dict[str, str]]]]]:
    """An HTTP server that writes down the queries it is asked, by path."""
    heard: dict[str, list[dict[str, str]]] = {"/receipt": [], "/text": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            heard[url.path].append(dict(parse_qsl(url.query, keep_blank_values=True)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


def _get(url: str) -> tuple[int, str]:
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
