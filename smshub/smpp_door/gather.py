"""Submits of all sessions, many to a transaction; each is answered when its own is committed.

The database is used in a thread of its own, one batch at a time, while the next one gathers. What cannot be stored is
refused with ESME_RSYSERR at once, also while a batch hangs: the system comes again, and nothing is half done.
"""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import structlog
from django.db import close_old_connections

from delivery import vitals, wake
from delivery.runtime import DATABASE_AWAY
from delivery.smpp.constants import CommandStatus
from smshub.smpp_door import intake
from smshub.smpp_door.reading import Order

log = structlog.get_logger(__name__)

#: Orders in one transaction.
BATCH = 500
#: Transactions begin no sooner than this after one another: what comes meanwhile goes into one.
GATHER_SECONDS = 0.004
#: Orders that wait, over all sessions; beyond it ESME_RMSGQFUL.
MOST_WAITING = 5_000
#: A transaction that takes longer hangs.
HANGING_SECONDS = 3.0

Result = str | CommandStatus


class Gathering:
    def __init__(self) -> None:
        self._waiting: deque[tuple[Order, asyncio.Future[Result]]] = deque()
        self._storing = ThreadPoolExecutor(1, "storing")
        self._waking = ThreadPoolExecutor(1, "waking")
        self._flusher: asyncio.Task[None] | None = None
        self._began = float("-inf")
        self._busy = False
        self._unwoken: set[int] = set()

    async def store(self, order: Order) -> Result:
        """The id that it is answered with, after the commit; or the status of its refusal."""
        if len(self._waiting) >= MOST_WAITING:
            return CommandStatus.ESME_RMSGQFUL
        if self._busy and monotonic() - self._began > HANGING_SECONDS:
            return CommandStatus.ESME_RSYSERR
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(self._began + GATHER_SECONDS - monotonic())
            self._began, self._busy = monotonic(), True
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                answers = await loop.run_in_executor(self._storing, _take, [order for order, _ in batch])
                results, to_wake = answers.results, answers.wake
            except Exception as error:
                log.warning("submits_not_stored", submits=len(batch), error=type(error).__name__)
                results, to_wake = [CommandStatus.ESME_RSYSERR] * len(batch), frozenset[int]()
                # What waits behind it would fail as slowly.
                batch += self._waiting
                results += [CommandStatus.ESME_RSYSERR] * len(self._waiting)
                self._waiting.clear()
            self._busy = False
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)
            vitals.count("smpp_submits", sum(isinstance(result, str) for result in results))
            self._wake(to_wake)

    def _wake(self, providers: frozenset[int]) -> None:
        """Beside the next batches: a Redis that does not answer holds up no submit."""
        for provider_id in providers - self._unwoken:
            self._unwoken.add(provider_id)
            self._waking.submit(self._wake_one, provider_id)

    def _wake_one(self, provider_id: int) -> None:
        self._unwoken.discard(provider_id)
        wake.dispatch(provider_id)

    async def close(self) -> None:
        if self._flusher is not None:
            await self._flusher
        self._storing.shutdown(wait=False, cancel_futures=True)
        self._waking.shutdown(wait=False, cancel_futures=True)


def _take(orders: list[Order]) -> intake.Answers:
    """Raises one of DATABASE_AWAY. What else goes wrong is about one of them, and costs the others nothing."""
    close_old_connections()
    try:
        return intake.take(orders)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        log.error("submits_not_taken", submits=len(orders), error=type(error).__name__)
        if len(orders) == 1:
            return intake.Answers([CommandStatus.ESME_RSYSERR], frozenset())
    alone = [_take([order]) for order in orders]
    return intake.Answers([answers.results[0] for answers in alone], frozenset().union(*(each.wake for each in alone)))
