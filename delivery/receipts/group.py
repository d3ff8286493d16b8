"""Receipts of many who bring them, many to a commit: for the door and for connections that hear them."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import structlog

from delivery import vitals, wake
from delivery.providers.base import Receipt
from delivery.receipts import inbox
from delivery.runtime import connect

log = structlog.get_logger(__name__)

#: Commits begin no sooner than this after one another: what comes meanwhile goes into one.
GATHER_SECONDS = 0.01
#: Whoever reconciles looks again for a while after it was woken, so it need not be told of every commit.
WAKE_SECONDS = 0.1
#: More waiting than this and whoever brings another is refused at once instead of using up memory.
MAX_WAITING = 20_000
#: Receipts of one commit, about.
BATCH = 2000

_Waiting = tuple[int, Sequence[Receipt], "asyncio.Future[None]"]


class GroupCommit:
    """Appends receipts to the inbox. `store` returns when they are durable, or raises."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._flusher: asyncio.Task[None] | None = None
        self._connection: inbox.Connection | None = None
        self._began = 0.0
        self._woken = 0.0
        self._waking: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    async def store(self, provider_id: int, receipts: Sequence[Receipt]) -> None:
        """Those of one callback, or of one look at a connection: all of them, or none."""
        if not receipts:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((provider_id, receipts, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._began + GATHER_SECONDS - monotonic())
            self._began = monotonic()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            error = await self._append(batch)
            for _, _, done in batch:
                if not done.done():
                    if error:
                        done.set_exception(error)
                    else:
                        done.set_result(None)
            if not error:
                self._wake()

    def _wake(self) -> None:
        """Beside the next batches: a Redis that does not answer holds up no receipt."""
        busy = self._waking is not None and not self._waking.done()
        if not busy and monotonic() - self._woken > WAKE_SECONDS:
            self._woken = monotonic()
            self._waking = asyncio.create_task(asyncio.to_thread(wake.reconcile))

    async def _append(self, batch: Sequence[_Waiting]) -> Exception | None:
        rows = [(provider_id, receipt) for provider_id, receipts, _ in batch for receipt in receipts]
        try:
            if self._connection is None or self._connection.closed or self._connection.broken:
                self._connection = await connect()
            await inbox.append(self._connection, rows)
        except Exception as error:
            log.warning("receipts_not_stored", receipts=len(rows), error=type(error).__name__)
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            return error
        for provider_id, receipts, _ in batch:
            vitals.count("receipts_appended", len(receipts), provider_id)
        return None

    async def close(self) -> None:
        if self._flusher is not None:
            await self._flusher
        if self._waking is not None:
            await self._waking
        if self._connection is not None:
            await self._connection.close()
