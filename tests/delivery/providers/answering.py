"""Somebody at an address who answers every HTTP request alike."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def answering(status: int, content: Any, headers: dict[str, str] | None = None) -> AsyncIterator[str]:
    """Where: `http://host:port`. `content` is sent as JSON, a text as it is."""
    body = content if isinstance(content, str) else json.dumps(content)

    async def handle(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
