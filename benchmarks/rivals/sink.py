"""Where a rival's callbacks end, as the least an application could do: remember who has a final status.

With SINK_DATABASE_URL each is answered when it is committed there, all that wait in one transaction: the work that
the hub does as well, done as cheaply as it can be. Served by uvicorn.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import psycopg

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TABLE = "CREATE TABLE sink_final (number text PRIMARY KEY, status text NOT NULL, at timestamptz DEFAULT now())"
INSERT = """INSERT INTO sink_final (number, status) SELECT * FROM unnest(%s::text[], %s::text[])
            ON CONFLICT (number) DO NOTHING"""
#: As Kannel and as Jasmin call it.
DELIVERED = frozenset({"1", "DELIVRD"})


class Sink:
    def __init__(self) -> None:
        self.final: set[str] = set()
        self.last = 0.0
        self._waiting: list[tuple[str, str, asyncio.Future[None]]] = []
        self._some = asyncio.Event()

    async def take(self, number: str, status: str, durable: bool) -> None:
        if durable:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((number, status, done))
            self._some.set()
            await done
        if status in DELIVERED:
            self.final.add(number)
            self.last = time.monotonic()

    async def write(self, url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while await self._some.wait():
                taken, self._waiting = self._waiting, []
                self._some.clear()
                # The same number twice in one statement is one row, as it is in two.
                await connection.execute(INSERT, [[row[0] for row in taken], [row[1] for row in taken]])
                for *_, done in taken:
                    done.set_result(None)

    def seen(self) -> dict[str, float]:
        return {"final": len(self.final), "last": self.last}


class Application:
    def __init__(self) -> None:
        self._url = os.environ.get("SINK_DATABASE_URL", "")
        self._sink: Sink
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        answer = b"ACK/Jasmin"
        if scope["path"] == "/seen":
            answer = json.dumps(self._sink.seen()).encode()
        else:
            given = parse_qs((body or scope["query_string"]).decode())
            await self._sink.take(scope["path"][1:], given.get("message_status", [""])[0], bool(self._url))
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._sink = Sink()
        if self._url:
            self._writer = asyncio.create_task(self._sink.write(self._url))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._writer:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
