"""Two ends of a link over loopback, for tests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from delivery.smpp.link import Handler, Link, connect, serve
from delivery.smpp.pdu import Request, Response, response_to

T = TypeVar("T")


def run(scenario: Coroutine[Any, Any, T]) -> T:
    async def in_time() -> T:
        async with asyncio.timeout(30):
            return await scenario

    return asyncio.run(in_time())


def agree(_link: Link, request: Request) -> Response:
    """A handler that says yes to everything."""
    return response_to(request)


@dataclass
class Centre:
    """A message centre that takes connections and keeps their ends."""

    port: int = 0
    links: list[Link] = field(default_factory=list)


@asynccontextmanager
async def centre(handler: Handler = agree, **options: Any) -> AsyncIterator[Centre]:
    found = Centre()
    server = await serve(handler, host="127.0.0.1", port=0, on_open=found.links.append, **options)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for link in found.links:
            link.abort()


@asynccontextmanager
async def both_ends(
    client: Handler = agree, server: Handler = agree, *, server_options: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Link, Link]]:
    """The client's link and the server's."""
    async with centre(server, **(server_options or {})) as there:
        link = await connect("127.0.0.1", there.port, client, **options)
        await until(lambda: bool(there.links))
        try:
            yield link, there.links[0]
        finally:
            link.abort()


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def free_port() -> int:
    """For a server that cannot choose one itself and tell."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
