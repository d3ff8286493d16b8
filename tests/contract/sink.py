"""A web server that keeps what a provider posts, as the hub's own doors would be given it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from delivery.providers.base import Callback, ProviderKind


class Sink:
    def __init__(self, kind: ProviderKind) -> None:
        self.callbacks: list[Callback] = []
        self._kind = kind
        self.base_url = ""

    async def take(self, request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        self.callbacks.append(
            Callback(
                url=self.base_url + path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
                query=query,
            )
        )
        content_type, answer = self._kind.inbound_answer
        return web.Response(body=answer, content_type=content_type)

    async def wait_for(self, enough: Callable[[list[Callback]], bool]) -> list[Callback]:
        """What has been posted, as soon as it is enough."""
        async with asyncio.timeout(15):
            while not enough(self.callbacks):
                await asyncio.sleep(0.02)
        return self.callbacks


@asynccontextmanager
async def sink(kind: ProviderKind) -> AsyncIterator[Sink]:
    open_sink = Sink(kind)
    runner = web.ServerRunner(web.Server(open_sink.take))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        open_sink.base_url = f"http://{host}:{port}"
        yield open_sink
    finally:
        await runner.cleanup()
