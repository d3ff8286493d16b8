"""Posts letters over a bounded number of kept-alive HTTP/1.1 connections per target.

Three receipts go out for every message that comes in, so this is the carrier's hot path: one protocol
object per connection, no task and no timer per letter. aiohttp's client costs several times as much.
"""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol, cast

import httptools

Failure = Literal["ct", "rt"]
"""No connection in time; no whole answer in time. Named as the webhook retry conditions are."""

_SWEEP_SECONDS = 0.25
_ANSWER_BYTES_KEPT = 65_536


class Origin(NamedTuple):
    host: str
    port: int
    secure: bool


class Letter(Protocol):
    """One request to post. Exactly one of `answered` and `failed` is called, once, for each posting."""

    connect_timeout: float
    read_timeout: float

    def render(self) -> bytes: ...
    def answered(self, status: int, body: bytes) -> None: ...
    def failed(self, failure: Failure) -> None: ...


class Poster:
    """Queues letters by origin. An absent or slow origin fills its own queue and delays nothing else."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections_per_origin: int) -> None:
        self.loop = loop
        self.limit = connections_per_origin
        self._pools: dict[Origin, _Pool] = {}
        self._closed = False
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def post(self, origin: Origin, letter: Letter) -> None:
        if self._closed:
            return
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = _Pool(self, origin)
        pool.post(letter)

    def forget(self) -> None:
        """Drop what is still waiting; nobody is told."""
        for pool in self._pools.values():
            pool.waiting.clear()

    def close(self) -> None:
        self._closed = True
        self._sweeper.cancel()
        self.forget()
        for pool in self._pools.values():
            pool.close()

    def _sweep(self) -> None:
        now = self.loop.time()
        for pool in self._pools.values():
            for connection in list(pool.busy):
                if connection.deadline < now:
                    connection.give_up()
        self._sweeper = self.loop.call_later(_SWEEP_SECONDS, self._sweep)


class _Pool:
    def __init__(self, poster: Poster, origin: Origin) -> None:
        self.loop = poster.loop
        self.origin = origin
        self.waiting: deque[Letter] = deque()
        self.idle: list[_Connection] = []
        self.busy: set[_Connection] = set()
        self._limit = poster.limit
        self._connecting: set[asyncio.Task[None]] = set()
        self._tls = ssl.create_default_context() if origin.secure else None

    def post(self, letter: Letter) -> None:
        if self.idle:
            self._hand(self.idle.pop(), letter, reused=True)
        elif len(self.busy) + len(self._connecting) < self._limit:
            self.connect(letter)
        else:
            self.waiting.append(letter)

    def connect(self, letter: Letter) -> None:
        task = self.loop.create_task(self._connect(letter))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, letter: Letter) -> None:
        try:
            async with asyncio.timeout(letter.connect_timeout):
                _, connection = await self.loop.create_connection(
                    lambda: _Connection(self), self.origin.host, self.origin.port, ssl=self._tls
                )
        except (OSError, UnicodeError):
            letter.failed("ct")
            # Left to this task's end, so that a queue behind an absent target drains and does not recurse.
            self.loop.call_soon(self.next)
            return
        self._hand(connection, letter, reused=False)

    def next(self) -> None:
        """There is room again: take the letter that has waited longest."""
        if self.waiting and (self.idle or len(self.busy) + len(self._connecting) < self._limit):
            self.post(self.waiting.popleft())

    def _hand(self, connection: "_Connection", letter: Letter, *, reused: bool) -> None:
        self.busy.add(connection)
        connection.send(letter, reused)

    def close(self) -> None:
        for task in self._connecting:
            task.cancel()
        for connection in [*self.idle, *self.busy]:
            connection.abandon()


class _Connection(asyncio.Protocol):
    """One connection, one letter at a time. Also the callbacks of its httptools parser."""

    __slots__ = (
        "_answer",
        "_headed",
        "_kept",
        "_letter",
        "_parser",
        "_pool",
        "_reused",
        "_started",
        "_transport",
        "deadline",
    )

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._letter: Letter | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, letter: Letter, reused: bool) -> None:
        self._letter = letter
        self._reused = reused
        self._started = False
        self._headed = False
        self._answer: list[bytes] = []
        self._kept = 0
        self.deadline = self._pool.loop.time() + letter.read_timeout
        self._transport.write(letter.render())

    def data_received(self, data: bytes) -> None:
        self._started = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.give_up()

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, body: bytes) -> None:
        if self._kept < _ANSWER_BYTES_KEPT:
            self._answer.append(body)
            self._kept += len(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        keep = self._parser.should_keep_alive()
        letter = self._release()
        if keep and not self._transport.is_closing():
            self._pool.idle.append(self)
        else:
            self._transport.close()
        if letter is not None:
            letter.answered(status, b"".join(self._answer))
        self._pool.next()

    def connection_lost(self, exc: Exception | None) -> None:
        with suppress(ValueError):
            self._pool.idle.remove(self)
        letter = self._release()
        if letter is None:
            return
        if self._reused and not self._started:
            # The server closed an idle connection just as it was used again: it has not read the letter.
            self._pool.connect(letter)
            return
        if self._headed:
            # An answer without a length ends with its connection.
            letter.answered(self._parser.get_status_code(), b"".join(self._answer))
        else:
            letter.failed("rt")
        self._pool.next()

    def give_up(self) -> None:
        letter = self._release()
        self._transport.abort()
        if letter is not None:
            letter.failed("rt")
        self._pool.next()

    def abandon(self) -> None:
        self._release()
        self._transport.abort()

    def _release(self) -> Letter | None:
        letter, self._letter = self._letter, None
        self._pool.busy.discard(self)
        return letter
