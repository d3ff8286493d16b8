"""The door for whoever follows a short link: resolve, write the visit down, redirect. A raw ASGI application.

It redirects to what staff entered as a target, and to nothing that a request names. No session, no cookie, no
middleware; what it reads is one row at most. Unknown links are told from expired ones, and an address that asks for
many that do not exist is sent away for the rest of a minute.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any, NamedTuple

import psycopg
import structlog
from django.utils import timezone

from campaigns.links import visitors
from campaigns.links.addresses import PREFIX
from campaigns.links.resolving import Connection, Found, Resolver
from campaigns.links.visits import Appender, Visited
from delivery.runtime import connect

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

#: So long may the database take to say where a link leads.
RESOLVE_SECONDS = 3.0
#: Unknown links that an address may ask for in a minute. Behind one address may be a whole mobile network.
MOST_UNKNOWN = 60
_MINUTE = 60.0
_MOST_ADDRESSES = 10_000

_PATH = re.compile(PREFIX + r"/([0-9A-Za-z]{1,64})/?")
_COMMON = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 32rem; padding: 0 1.5rem }}
</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _page(status: int, title: str, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = _PAGE.format(title=title, text=text).encode()
    return Answer(status, body, ((b"content-type", b"text/html; charset=utf-8"), *headers))


UNKNOWN = _page(404, "There is no such link", "Look whether all of it was copied from the message.")
EXPIRED = _page(410, "This link has expired", "What it led to is no longer offered here. Ask whoever sent it to you.")
TOO_MANY = _page(429, "Too many wrong links", "Try again in a minute.", (b"retry-after", b"60"))
AWAY = _page(503, "Not now", "This cannot be looked up at the moment. Try again shortly.", (b"retry-after", b"5"))
NOT_ALLOWED = _page(405, "Links are followed", "Open the link in a browser.", (b"allow", b"GET, HEAD"))


class _Unknowns:
    """How many unknown links each address has asked for in this minute; in memory alone, and forgotten with it."""

    def __init__(self) -> None:
        self._since = monotonic()
        self._counts: dict[str, int] = {}

    def too_many(self, address: str) -> bool:
        if monotonic() - self._since > _MINUTE or len(self._counts) > _MOST_ADDRESSES:
            self._since, self._counts = monotonic(), {}
        return self._counts.get(address, 0) >= MOST_UNKNOWN

    def one_more(self, address: str) -> None:
        self._counts[address] = self._counts.get(address, 0) + 1


class LinkDoor:
    """ASGI application for everything under `/l/`."""

    def __init__(self) -> None:
        self._visits = Appender()
        self._resolver = Resolver(self._connected)
        self._unknowns = _Unknowns()
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.answer(scope)
        headers = [*_COMMON, *answer.headers, (b"content-length", str(len(answer.body)).encode())]
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope: Scope) -> Answer:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            return NOT_ALLOWED
        address = (scope.get("client") or ("",))[0]
        if self._unknowns.too_many(address):
            return TOO_MANY
        match = _PATH.fullmatch(scope["path"])
        try:
            found = await self._find(match[1]) if match else None
        except (psycopg.Error, OSError, TimeoutError) as error:
            log.warning("link_not_resolved", error=type(error).__name__)
            return AWAY
        if found is None:
            self._unknowns.one_more(address)
            return UNKNOWN
        if not found.target:
            return EXPIRED
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        visit = Visited(found.named.link, found.named.recipient, visitors.machine(method, headers))
        await self._visits.append(visit)
        return Answer(302, b"", ((b"location", found.target.encode("ascii")),))

    async def _find(self, token: str) -> Found | None:
        async with asyncio.timeout(RESOLVE_SECONDS):
            try:
                return await self._resolver.find(token, timezone.now())
            except BaseException:
                await self._hang_up()
                raise

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None or self._connection.closed or self._connection.broken:
                self._connection = await connect()
            return self._connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        await self._visits.close()
        await self._hang_up()
