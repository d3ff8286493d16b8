"""What many bring one by one, many to a commit: for doors that answer only when what they took is durable."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Generic, TypeVar

import psycopg
import structlog

from delivery.runtime import connect

log = structlog.get_logger(__name__)

#: Commits begin no sooner than this after one another: what comes meanwhile goes into one.
GATHER_SECONDS = 0.01
#: More waiting than this and whoever brings another is refused at once instead of using up memory.
MAX_WAITING = 20_000
#: What was brought of one commit, about.
BATCH = 2000

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class GroupCommit(Generic[T]):
    """One for each process, on its event loop.

    `append` writes what was brought, in one statement. `wake` says to whoever goes on with it that there is something;
    they look again for a while, so they are told once in `wake_seconds`. `failed` is the event that is logged.
    """

    def __init__(
        self,
        append: Callable[[Connection, Sequence[T]], Awaitable[None]],
        wake: Callable[[], None],
        *,
        wake_seconds: float,
        failed: str,
    ) -> None:
        self._append, self._tell, self._wake_seconds, self._failed = append, wake, wake_seconds, failed
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._began = self._woken = 0.0
        self._waking: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    def bring(self, one: T) -> asyncio.Future[None]:
        """Done when it is durable; or with what stood in the way."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return done

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._began + GATHER_SECONDS - monotonic())
            self._began = monotonic()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            error = await self._write([one for one, _ in batch])
            for _, done in batch:
                if done.done():
                    continue
                if error:
                    done.set_exception(error)
                    done.exception()  # whoever waited may have gone; it is told of in the log
                else:
                    done.set_result(None)
            if not error:
                self._wake()

    async def _write(self, batch: Sequence[T]) -> Exception | None:
        try:
            if self._connection is None or self._connection.closed or self._connection.broken:
                self._connection = await connect()
            await self._append(self._connection, batch)
        except Exception as error:
            log.warning(self._failed, brought=len(batch), error=type(error).__name__)
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            return error
        return None

    def _wake(self) -> None:
        """Beside the next batches: a Redis that does not answer holds up nobody."""
        busy = self._waking is not None and not self._waking.done()
        if not busy and monotonic() - self._woken > self._wake_seconds:
            self._woken = monotonic()
            self._waking = asyncio.create_task(asyncio.to_thread(self._tell))

    async def close(self) -> None:
        if self._flusher is not None:
            await self._flusher
        if self._waking is not None:
            await self._waking
        if self._connection is not None:
            await self._connection.close()
