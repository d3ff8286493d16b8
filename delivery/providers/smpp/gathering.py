"""What is heard goes to the listener many at a time, and is acknowledged when the listener has stored it.

While one batch is being stored the next one gathers: the more comes, the more goes into one commit.
"""

import asyncio

import structlog

from delivery.providers.base import InboundText, Listener, Receipt

log = structlog.get_logger(__name__)

MOST_AT_A_TIME = 1000


class Gathering:
    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._waiting: list[tuple[Receipt | InboundText, asyncio.Future[bool]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def store(self, heard: Receipt | InboundText) -> "asyncio.Future[bool]":
        """Whether it is stored; False: it is not, and is to come again. Never an exception."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((heard, stored))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return stored

    async def close(self) -> None:
        """Returns when nothing waits any more."""
        if self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        # What came in the same turn of the loop goes along.
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_A_TIME], self._waiting[MOST_AT_A_TIME:]
            is_stored = await self._tell([heard for heard, _ in batch])
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(is_stored)
        self._flushing = None

    async def _tell(self, batch: list[Receipt | InboundText]) -> bool:
        if self._listener is None:
            return False
        try:
            await self._listener(batch)
        except Exception as error:
            log.warning("not_stored", heard=len(batch), error=type(error).__name__)
            return False
        return True
