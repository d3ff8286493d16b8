"""The receipt door over real HTTP: signed callbacks on many connections against a web process that has one core.

The client is the carrier's own: it costs a fraction of what a general HTTP client does. Its letters are written and
signed before the clock starts. The limit is the same server with an application that answers 204 to everything.
"""

import asyncio
import os
import time
from collections import Counter
from urllib.parse import urlencode

import uvloop
from django.conf import settings
from django.db import connection

from benchmarks import scenes
from benchmarks.alone import Figures, alone
from benchmarks.hub import Hub, hub
from benchmarks.servers import Servers
from benchmarks.usage import pin, used
from delivery import callbacks
from delivery.ids import new_message_id
from simulator.callbacks import signature, target
from simulator.posting import Failure, Poster
from smshub.quickstart import commands
from smshub.quickstart.processes import answers_http

WARM_UP = 500


def measure(servers: Servers, receipts: int, connections: int) -> tuple[Figures, Figures]:
    """The door, and the bare server: `rate` answered per second, and the CPU seconds of `web` and of the `client`."""
    with hub(servers, ("web",)) as running:
        by = scenes.sender()
        own = running.pin_web()
        door = _load(running, "web", by.provider_id, receipts, connections)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM delivery_inboxreceipt")
            (stored,) = cursor.fetchone()
        if stored != receipts + WARM_UP:
            raise SystemExit(f"{receipts + WARM_UP} receipts were answered 204, and {stored} are stored.")
        running.processes.discard("web")
        # By the same server with the same options.
        argv = commands.argv("web", web_port=running.web_port)
        bare = [part.replace("smshub.asgi", "benchmarks.bare") for part in argv]
        running.run("bare", bare, healthy=answers_http(running.url))
        running.wait_healthy()
        pin(running.processes.pid("bare"), own)
        limit = _load(running, "bare", by.provider_id, receipts, connections)
        for pid in servers.pids.values():
            pin(pid, sorted(os.sched_getaffinity(0)))
    return door, limit


def _load(running: Hub, name: str, provider_id: int, receipts: int, connections: int) -> Figures:
    figures: Figures = {}
    for size in (WARM_UP, receipts):
        before = used({name: running.processes.pid(name)})[name].cpu
        figures = alone(load, url=running.url, provider_id=provider_id, size=size, connections=connections)
        figures["web"] = used({name: running.processes.pid(name)})[name].cpu - before
        if figures["answers"] != {"204": size}:
            raise SystemExit(f"The door answered {figures['answers']} to {size} receipts.")
    return figures


class _Letter:
    """A callback that is ready to go."""

    connect_timeout = read_timeout = 30.0

    def __init__(self, office: "_Office", request: bytes) -> None:
        self._office, self._request = office, request

    def render(self) -> bytes:
        return self._request

    def answered(self, status: int, body: bytes) -> None:
        self._office.count(str(status))

    def failed(self, failure: Failure) -> None:
        self._office.count(failure)


class _Office:
    def __init__(self, expected: int) -> None:
        self.answers: Counter[str] = Counter()
        self.done = asyncio.Event()
        self._left = expected

    def count(self, answer: str) -> None:
        self.answers[answer] += 1
        self._left -= 1
        if not self._left:
            self.done.set()


def load(url: str, provider_id: int, size: int, connections: int) -> Figures:
    """In a process of its own: post so many receipts, as fast as they are answered."""
    if not settings.SECRET_KEY:
        raise SystemExit("Without the hub's SECRET_KEY no callback address can be made.")
    *others, _own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [_own])
    return uvloop.run(_load_all(url, provider_id, size, connections))


async def _load_all(url: str, provider_id: int, size: int, connections: int) -> Figures:
    poster = Poster(asyncio.get_running_loop(), connections)
    office = _Office(size)
    letters = [_Letter(office, _request(url, provider_id, n)) for n in range(size)]
    origin = target(url).origin
    began, cpu = time.perf_counter(), time.process_time()
    for letter in letters:
        poster.post(origin, letter)
    await office.done.wait()
    took = time.perf_counter() - began
    poster.close()
    return {"rate": size / took, "client": time.process_time() - cpu, "answers": dict(office.answers)}


def _request(url: str, provider_id: int, number: int) -> bytes:
    """A status callback as the carrier posts it."""
    message_id = new_message_id()
    path = f"{callbacks.PREFIX}/receipts/{provider_id}/{callbacks.token(message_id, 1)}"
    status = ("queued", "sent", "delivered")[number % 3]
    sid = f"SM{message_id.hex}"
    form = {
        "AccountSid": scenes.ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": scenes.SENDER,
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
        "To": f"+1{4150000000 + number}",
    }
    body = urlencode(form)
    signed = signature(scenes.AUTH_TOKEN, url + path, list(form.items()))
    head = target(url + path).head.decode()
    return f"{head}X-Twilio-Signature: {signed}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
