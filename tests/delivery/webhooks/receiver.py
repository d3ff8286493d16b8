"""A system that is told of events: a server of its own, on a real socket in a thread, that answers to order."""

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

#: What a receiver does with a request: writes to the socket, or does not.
Behaviour = Callable[["Receiver", socket.socket, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """The event, by the library that receivers use. Raises what that raises."""
        return dict(Webhook(secret).verify(self.body, self.headers))


@dataclass
class Receiver:
    """`behave` is asked for each request, with its number from 1; `requests` is all that came whole."""

    behave: Behaviour
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    """Ends what a behaviour waits for."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def note(self, request: Request) -> int:
        with self.lock:
            self.requests.append(request)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            return len(self.requests)

    def done(self) -> None:
        with self.lock:
            self.open -= 1

    def ids(self) -> list[str]:
        with self.lock:
            return [request.id for request in self.requests]

    def told(self) -> list[tuple[str, str]]:
        """(subject's id, type) in the order of their coming."""
        with self.lock:
            return [(request.event["data"].get("id", ""), request.event["type"]) for request in self.requests]


def answer(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    lines = [f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "", ""]
    head = "\r\n".join(lines).encode()
    return lambda _receiver, connection, _number: connection.sendall(head + body)


takes = answer(204)


def slow(seconds: float) -> Behaviour:
    def behave(receiver: Receiver, connection: socket.socket, number: int) -> None:
        receiver.over.wait(seconds)
        takes(receiver, connection, number)

    return behave


def silent(receiver: Receiver, connection: socket.socket, number: int) -> None:
    """Takes the request and says nothing."""
    receiver.over.wait(60)


def drips(receiver: Receiver, connection: socket.socket, number: int) -> None:
    """Says a letter of the head at a time, for ever."""
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 4000:
        connection.sendall(bytes([letter]))
        if receiver.over.wait(0.1):
            return


def floods(receiver: Receiver, connection: socket.socket, number: int) -> None:
    """Says that it took it, and goes on saying things, as fast as it is let."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
    while not receiver.over.is_set():
        connection.sendall(b"x" * 65536)


def flapping(pattern: str) -> Behaviour:
    """`+` takes, `-` answers 500; over and over."""

    def behave(receiver: Receiver, connection: socket.socket, number: int) -> None:
        good = pattern[(number - 1) % len(pattern)] == "+"
        (takes if good else answer(500))(receiver, connection, number)

    return behave


class _Handler(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        while not receiver.over.is_set():
            try:
                request = self._read()
            except OSError:
                return
            if request is None:
                return
            number = receiver.note(request)
            try:
                receiver.behave(receiver, self.request, number)
            except OSError:
                return
            finally:
                receiver.done()

    def _read(self) -> Request | None:
        first = self.rfile.readline()
        if not first:
            return None
        headers = {}
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Request(first.decode().split()[1], headers, body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        return  # whoever called has gone


@contextmanager
def receiving(behave: Behaviour = takes, *, port: int = 0) -> Iterator[Receiver]:
    with _Server(("127.0.0.1", port), _Handler) as server:
        receiver = Receiver(behave, port=server.server_address[1])
        server.receiver = receiver  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()


def wait_for(condition: Callable[[], object], *, what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)
