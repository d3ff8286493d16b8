"""Bulk work as a rival takes it: one HTTP request per message, on many kept-alive connections, in a process apart.

A request costs the sender what the simulated carrier's callbacks cost it, so that little is taken from the rival.
"""

import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import quote

import uvloop

from benchmarks.alone import Figures, finish, start
from benchmarks.hub import Hub
from benchmarks.rivals.contest import STALLED_SECONDS, Course, Send, recipient, run, text
from simulator.posting import Failure, Origin, Poster
from smshub.quickstart.processes import answers_http
from smshub.quickstart.servers import ANY_PORT, free_port

CONNECTIONS = 32
#: Before a message that was not taken is handed over again.
PATIENCE = 0.2


def sending(hub: Hub, *, port: int, path: str, durable: bool) -> Send:
    """Start the sink of the callbacks; returns what hands over messages to `port` and waits for their final status.

    `path` of a request has {number}, {text} and {callback}. `durable`: the sink commits to the run's database.
    """
    sink_port = free_port(ANY_PORT)
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.rivals.sink:application", "--port", str(sink_port)]
    environment = {"PYTHONPATH": os.getcwd(), "SINK_DATABASE_URL": os.environ["DATABASE_URL"] if durable else ""}
    sink = f"http://127.0.0.1:{sink_port}"
    if durable:
        _make_table()
    argv += ["--no-access-log", "--log-level", "warning", "--lifespan", "on"]
    run(hub, "sink", argv, environment=environment, healthy=answers_http(f"{sink}/seen"), rank=3)

    def send(first: int, size: int) -> Course:
        before = _seen(sink)
        with start(hand_over, port=port, path=path, sink=sink, first=first, size=size) as process:
            seen = _wait(sink, int(before["final"]) + size, process.poll)
            figures = finish(process)
        return Course(seen["last"] - figures["began"], int(seen["final"] - before["final"]))

    return send


def _make_table() -> None:
    from django.db import connection

    from benchmarks.rivals.sink import TABLE

    with connection.cursor() as cursor:
        cursor.execute(TABLE)


def _wait(sink: str, wanted: int, ended: Callable[[], int | None]) -> dict[str, float]:
    """Look until all have their status, or nothing more comes."""
    seen, moved = _seen(sink), time.monotonic()
    while seen["final"] < wanted and (ended() is None or time.monotonic() - moved < STALLED_SECONDS):
        time.sleep(0.1)
        now = _seen(sink)
        if now["final"] != seen["final"]:
            moved = time.monotonic()
        seen = now
    return seen


def _seen(sink: str) -> dict[str, float]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{sink}/seen", timeout=10) as answer:
        seen: dict[str, float] = json.load(answer)
    return seen


def hand_over(port: int, path: str, sink: str, first: int, size: int) -> Figures:
    """In a process of its own: hand over so many messages as fast as they are taken."""
    return uvloop.run(_hand_over(port, path, sink, first, size))


async def _hand_over(port: int, path: str, sink: str, first: int, size: int) -> Figures:
    loop = asyncio.get_running_loop()
    desk = _Desk(Poster(loop, CONNECTIONS), Origin("127.0.0.1", port, False), size)
    requests = [_Request(desk, _render(path, sink, port, number)) for number in range(first, first + size)]
    began = time.monotonic()
    for request in requests:
        desk.post(request)
    await desk.done.wait()
    desk.poster.close()
    return {"began": began}


def _render(path: str, sink: str, port: int, number: int) -> bytes:
    to = recipient(number)
    target = path.format(number=to, text=quote(text(number)), callback=quote(f"{sink}/{to}", safe=""))
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class _Desk:
    def __init__(self, poster: Poster, origin: Origin, size: int) -> None:
        self.poster = poster
        self.done = asyncio.Event()
        self._origin = origin
        self._left = size

    def post(self, request: "_Request") -> None:
        self.poster.post(self._origin, request)

    def taken(self) -> None:
        self._left -= 1
        if not self._left:
            self.done.set()

    def again(self, request: "_Request") -> None:
        self.poster.loop.call_later(PATIENCE, self.post, request)


class _Request:
    """A letter for the poster."""

    __slots__ = ("_desk", "_request")
    connect_timeout = read_timeout = 60.0

    def __init__(self, desk: _Desk, request: bytes) -> None:
        self._desk, self._request = desk, request

    def render(self) -> bytes:
        return self._request

    def answered(self, status: int, body: bytes) -> None:
        if status in (200, 202):
            self._desk.taken()
        else:
            self._desk.again(self)

    def failed(self, failure: Failure) -> None:
        # Taken or not, nobody knows: handed over again it might be sent twice, which would show.
        raise SystemExit(f"A request was not answered: {failure}.")
