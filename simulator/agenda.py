"""One timer for everything that is to happen later."""

import asyncio
import heapq
import math
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

_GRAIN = 0.002
_BATCH = 200

T = TypeVar("T")


class Agenda:
    """A heap of appointments behind a single event-loop timer; times are the loop's monotonic seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        # When the timer rings. uvloop's handles cannot tell.
        self._rings = math.inf

    def __len__(self) -> int:
        return len(self._heap)

    def now(self) -> float:
        return self._loop.time()

    def at(self, when: float, action: Callable[[T], None], argument: T) -> None:
        """Call `action(argument)` at `when`, or as soon as possible when that is past; never at once."""
        heapq.heappush(self._heap, (when, next(self._order), action, argument))
        if when < self._rings:
            self._arm()

    def clear(self) -> None:
        self._heap.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rings = math.inf
        if self._heap:
            # A grain late, so that what falls due together is done together.
            self._rings = self._heap[0][0] + _GRAIN
            self._timer = self._loop.call_at(self._rings, self._run)

    def _run(self) -> None:
        self._timer = None
        self._rings = -math.inf
        now = self._loop.time()
        try:
            for _ in range(_BATCH):
                if not self._heap or self._heap[0][0] > now:
                    break
                _, _, action, argument = heapq.heappop(self._heap)
                action(argument)
        finally:
            self._arm()
