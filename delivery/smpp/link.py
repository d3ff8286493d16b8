"""One TCP connection that speaks SMPP, of either role: the ESME's end or the message centre's.

    link = await connect("smsc.example", 2775, handler)
    answer = await link.request(BindTransceiver("id", "secret"))      # a response; look at its `status`
    answer = await link.request(SubmitSm(...))
    await link.unbind()

    server = await serve(handler, host="127.0.0.1", port=2775)        # one Link for each connection taken

`handler(link, request)` is given every request of the other side except enquire_link and unbind, which the link
answers itself, and returns its response: at once, or as an awaitable, which may take as long as what is answered for
takes to be stored. None, or an awaitable of None, leaves the request without an answer. A handler that raises answers
ESME_RSYSERR. Which requests are in order before a bind is the handler's to know.

What is asked of the other side is bounded by `window`; a request that finds no room waits for it. `window.py` says
what may become of a request: a response, NotSent, NoResponse or Lost.

Timers (7.2): `response_seconds` for what is asked, `enquire_seconds` of silence until enquire_link is sent; when
nothing at all is heard within `response_seconds` after that, the link is closed as lost. They are looked at several
times in each such time, not set for each PDU.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast, get_args

from delivery.smpp.codec import HEADER_SIZE, BadPdu, decode, encode, read_header
from delivery.smpp.constants import RESPONSE, Command, CommandStatus
from delivery.smpp.pdu import (
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Request,
    Response,
    Unbind,
    UnbindResp,
    response_to,
)
from delivery.smpp.window import LinkError, Lost, NoResponse, NotSent, Window

__all__ = ["Handler", "Link", "LinkError", "Lost", "NoResponse", "NotSent", "connect", "serve"]

LARGEST_PDU = 70_000
"""Octets: a message_payload of 64 KiB and what stands around it."""
_TICKS = 8
_RESPONSES = get_args(Response)

Answer: TypeAlias = Response | None
Handler: TypeAlias = Callable[["Link", Request], Answer | Awaitable[Answer]]


class Link(asyncio.Protocol):
    """One end of a connection; made by `connect` and `serve`, which take the same options."""

    def __init__(
        self,
        handler: Handler,
        *,
        window: int = 10,
        response_seconds: float = 10.0,
        enquire_seconds: float = 30.0,
        largest_pdu: int = LARGEST_PDU,
        unanswered: int = 1000,
        on_open: Callable[["Link"], None] | None = None,
        on_close: Callable[["Link"], None] | None = None,
        on_room: Callable[["Link"], None] | None = None,
    ) -> None:
        """`unanswered`: requests of the other side being handled at once; beyond it nothing more is read from it.

        `on_open` is called when the connection is there, `on_close` once when it is gone, `on_room` whenever a
        response or a writable connection has made room in the window.
        """
        self.handler = handler
        self.response_seconds = response_seconds
        self.enquire_seconds = enquire_seconds
        self.largest_pdu = largest_pdu
        self.unanswered = unanswered
        self.on_open = on_open
        self.on_close = on_close
        self.on_room = on_room
        self.why_closed = ""
        """In words, once it is closed or closing."""
        self.peer = ""
        """The other side's address."""
        self.is_open = False
        """Whether requests are taken: connected, and neither side has begun to unbind."""
        self.window = Window(window)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._handling: set[asyncio.Future[Answer]] = set()
        self._out: list[bytes] = []
        self._flushing = False
        self._unread = b""
        self._reading = True
        self._draining: asyncio.Future[None] | None = None
        self._letting_go: asyncio.Task[None] | None = None
        self._heard = self._loop.time()
        self._enquired: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """Requests without a response, enquire_link and unbind aside."""
        return self.window.in_flight

    @property
    def room(self) -> int:
        """How many requests could leave at once."""
        return self.window.room if self.is_open else 0

    def submit(self, pdu: Request) -> "asyncio.Future[Response]":
        """Write a request now, and give the future of its response, which may be NoResponse or Lost.

        Raises NotSent without `room`, ValueError where a field does not fit.
        """
        if not self.room:
            raise NotSent(self.why_closed or "No room in the window")
        return self._ask(pdu)

    async def request(self, pdu: Request, *, room_seconds: float | None = None) -> Response:
        """The response to a request, which waits for room in the window as long as `room_seconds` allow.

        Raises NotSent, NoResponse, Lost; ValueError where a field does not fit.
        """
        if not self.room:
            if not self.is_open:
                raise NotSent(self.why_closed or "not connected")
            await self.window.wait(room_seconds)
            if not self.is_open:
                raise NotSent(self.why_closed)
        return await self._ask(pdu)

    async def unbind(self, *, drain_seconds: float | None = None) -> None:
        """Take no more requests, wait for what is under way in both directions, say unbind, close.

        `drain_seconds`, the response timer where it is not given, bounds the wait.
        """
        if self.is_open:
            self._begin_closing("unbound")
            await self._drain(self.response_seconds if drain_seconds is None else drain_seconds)
            if not self._closed.done():
                try:
                    await self._ask(Unbind())
                except LinkError:
                    pass
            self.close()
        await self.closed()

    def close(self, why: str = "closed") -> None:
        """Close the connection now. What is unanswered is Lost at once."""
        self._begin_closing(why)
        if self._transport is not None:
            self._flush()
            self._transport.close()
            if self._transport.get_write_buffer_size():
                self._loop.call_later(self.response_seconds, self._transport.abort)
        self._end()

    def abort(self, why: str = "aborted") -> None:
        """Drop the connection without a word, and without what is still to be written."""
        self._begin_closing(why)
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()
        self._end()

    async def closed(self) -> None:
        """Returns when the connection is gone."""
        await asyncio.shield(self._closed)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        self.is_open = True
        self._tick()
        if self.on_open is not None:
            self.on_open(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._begin_closing(f"the connection was lost ({type(error).__name__})" if error else "the other side closed")
        self._end()

    def pause_writing(self) -> None:
        self.window.paused = True

    def resume_writing(self) -> None:
        self.window.paused = False
        self._make_room()

    def data_received(self, data: bytes) -> None:
        if self._closed.done():
            return
        self._heard, self._enquired = self._loop.time(), None
        self._flushing = True
        if self._unread:
            data = self._unread + data
        at, end = 0, len(data)
        while end - at >= HEADER_SIZE:
            length, command_id, status, sequence = read_header(data, at)
            if not HEADER_SIZE <= length <= self.largest_pdu:
                # Where the next one begins is not known any more.
                self._write(encode(GenericNack(CommandStatus.ESME_RINVCMDLEN), 0))
                self.close("a PDU of impossible length came")
                return
            if end - at < length:
                break
            self._take(command_id, status, sequence, bytes(data[at + HEADER_SIZE : at + length]))
            at += length
            if self._closed.done():
                return
        # What is not whole yet is bounded by `largest_pdu`.
        self._unread = bytes(data[at:]) if at < end else b""
        self._flush()

    # What comes in

    def _take(self, command_id: int, status: int, sequence: int, body: bytes) -> None:
        try:
            pdu = decode(command_id, status, body)
        except BadPdu as error:
            if command_id & RESPONSE:
                self._answered(sequence, command_id, None)
            elif command_id != Command.ALERT_NOTIFICATION:
                self._write(encode(GenericNack(error.status), sequence))
            return
        if command_id & RESPONSE:
            self._answered(sequence, command_id, cast(Response, pdu))
        else:
            self._asked(sequence, cast(Request, pdu))

    def _answered(self, sequence: int, command_id: int, response: Response | None) -> None:
        self.window.answered(sequence, command_id, response)
        self._make_room()
        if self._draining is not None:
            self._look_whether_drained()

    def _asked(self, sequence: int, request: Request) -> None:
        if isinstance(request, EnquireLink):
            self._write(encode(EnquireLinkResp(), sequence))
            return
        if isinstance(request, Unbind):
            if self._draining is not None:
                self._write(encode(UnbindResp(), sequence))
            else:
                self._begin_closing("the other side unbound")
                self._letting_go = self._loop.create_task(self._let_go(sequence))
            return
        try:
            answer = self.handler(self, request)
        except Exception:
            answer = response_to(request, CommandStatus.ESME_RSYSERR)
        if answer is None:
            return
        if isinstance(answer, _RESPONSES):
            self._respond(sequence, request, answer)
            return
        future = asyncio.ensure_future(cast(Awaitable[Answer], answer))
        self._handling.add(future)
        future.add_done_callback(lambda done: self._was_handled(sequence, request, done))
        if len(self._handling) >= self.unanswered and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def _was_handled(self, sequence: int, request: Request, done: "asyncio.Future[Answer]") -> None:
        self._handling.discard(done)
        failed = done.cancelled() or done.exception() is not None
        if self._closed.done():
            return
        answer = response_to(request, CommandStatus.ESME_RSYSERR) if failed else done.result()
        if answer is not None:
            self._respond(sequence, request, answer)
        if not self._reading and len(self._handling) < self.unanswered and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()
        if self._draining is not None:
            self._look_whether_drained()

    def _respond(self, sequence: int, request: Request, answer: Response) -> None:
        try:
            data = encode(answer, sequence)
        except ValueError:
            data = encode(response_to(request, CommandStatus.ESME_RSYSERR), sequence)
        self._write(data)

    async def _let_go(self, sequence: int) -> None:
        """The other side's unbind: it is answered when all that came before it is."""
        await self._drain(self.response_seconds)
        if not self._closed.done():
            self._write(encode(UnbindResp(), sequence))
            self.close()

    # What goes out

    def _ask(self, pdu: Request) -> "asyncio.Future[Response]":
        sequence = self.window.next_sequence()
        data = encode(pdu, sequence)
        future = self.window.add(sequence, pdu.command_id, self._loop.time() + self.response_seconds)
        self._write(data)
        return future

    def _make_room(self) -> None:
        if self.is_open and self.window.make_room() > 0 and self.on_room is not None:
            self.on_room(self)

    def _write(self, data: bytes) -> None:
        self._out.append(data)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """All that was written in this turn of the loop goes out in one piece."""
        self._flushing = False
        if self._out and self._transport is not None:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
            if not self._transport.is_closing():
                self._transport.write(data)

    # How it ends

    async def _drain(self, seconds: float) -> None:
        self._draining = self._loop.create_future()
        self._look_whether_drained()
        await asyncio.wait([self._draining], timeout=seconds)

    def _look_whether_drained(self) -> None:
        draining = self._draining
        if draining is not None and not draining.done() and not self.in_flight and not self._handling:
            draining.set_result(None)

    def _begin_closing(self, why: str) -> None:
        self.is_open = False
        self.why_closed = self.why_closed or why
        self.window.refuse(self.why_closed)

    def _end(self) -> None:
        if self._closed.done():
            return
        self._closed.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self.window.lose(self.why_closed)
        if self._draining is not None and not self._draining.done():
            self._draining.set_result(None)
        if self.on_close is not None:
            self.on_close(self)

    def _tick(self) -> None:
        now = self._loop.time()
        if self.window.expire(now):
            self._make_room()
            self._look_whether_drained()
        if not self._reading:
            self._heard, self._enquired = now, None
        if self._enquired is not None and now - self._enquired >= self.response_seconds:
            self.abort("nothing was heard after enquire_link")
            return
        if self._enquired is None and self.is_open and now - self._heard >= self.enquire_seconds:
            self._enquired = now
            self._ask(EnquireLink()).add_done_callback(_forget)
        if not self._closed.done():
            period = min(self.response_seconds, self.enquire_seconds) / _TICKS
            self._timer = self._loop.call_later(period, self._tick)


def _forget(future: "asyncio.Future[Response]") -> None:
    """Nobody waits for it, and asyncio is not to complain of that."""
    if not future.cancelled():
        future.exception()


async def connect(host: str | None, port: int | None, handler: Handler, *, at: Any = None, **options: Any) -> Link:
    """The ESME's end of a new connection, not bound yet. `options` are those of `Link`.

    `at` holds more for `loop.create_connection`: `ssl`, `server_hostname`, or a connected `sock` in place of host and
    port. Raises OSError (ssl.SSLError is one); the time that it takes is the caller's to bound.
    """
    loop = asyncio.get_running_loop()
    where: dict[str, Any] = {"host": host, "port": port, **(at or {})}
    _, link = await loop.create_connection(lambda: Link(handler, **options), **where)
    return link


async def serve(handler: Handler, *, host: str, port: int, tls: Any = None, **options: Any) -> asyncio.Server:
    """A message centre's door: a Link for each connection, with `options`. Closing it leaves the links open."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Link(handler, **options), host, port, ssl=tls)
