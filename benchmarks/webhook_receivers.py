"""Receivers of webhooks of each kind, on one event loop; answers each line with ports and with what came."""

import asyncio
import itertools
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop
from aiohttp import web


@dataclass
class Seen:
    requests: int = 0
    open: int = 0
    most: int = 0


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _quick(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(2)
    return await _quick(request)


async def _silent(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return await _quick(request)


async def _failing(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


def _flapping() -> Handler:
    """Ten are taken, ten are not."""
    turns = itertools.count()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await (_quick if next(turns) // 10 % 2 == 0 else _failing)(request)

    return handle


def _redirecting(to: int) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{to}/"})

    return handle


async def _serve(handler: Handler, seen: Seen) -> int:
    async def counted(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        seen.requests += 1
        seen.open += 1
        seen.most = max(seen.most, seen.open)
        try:
            return await handler(request)  # type: ignore[arg-type]
        finally:
            seen.open -= 1

    runner = web.ServerRunner(web.Server(counted, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
    await site.start()
    port: int = runner.addresses[0][1]
    return port


async def main(kinds: list[str]) -> None:
    seen = {kind: Seen() for kind in (*kinds, "elsewhere")}
    elsewhere = await _serve(_quick, seen["elsewhere"])
    handlers: dict[str, Handler] = {
        "quick": _quick,
        "quick beside them": _quick,
        "slow: 2 s": _slow,
        "silent": _silent,
        "flapping": _flapping(),
        "answers 500": _failing,
        "redirects to loopback": _redirecting(elsewhere),
    }
    ports = {kind: await _serve(handlers[kind], seen[kind]) for kind in kinds}
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        came = {kind: {"requests": each.requests, "most": each.most} for kind, each in seen.items()}
        print(json.dumps({"ports": ports, "seen": came}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1:]))
