"""The courier of one process: it takes endpoints in turn, and tells each what is due, beside the others.

None waits for another: each turn is a task of its own on one event loop that always runs, with bounds of its own. An
endpoint that is slow has its own requests open and nobody else's; one that is down is tried now and then.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.utils.translation import gettext as _

from delivery.encryption import CannotDecrypt
from delivery.runtime import DATABASE_AWAY, AlwaysRunning, Runtime, in_thread
from delivery.webhooks import endpoints, turns
from delivery.webhooks.post import Postman
from delivery.webhooks.turns import GONE, Due, Result, Turn

log = structlog.get_logger(__name__)

#: Endpoints that one process tells at once, and requests that each has open: 800 sockets at most, and as many events in
#: memory.
SLOTS, IN_FLIGHT = 50, 16
#: After this nothing more is begun; with the last request it is far from the end of the lease.
TURN_SECONDS = 5.0
#: Answers that come together are written together.
GATHER_SECONDS = 0.005
LOOK_SECONDS = 1.0
#: After trouble that nobody foresaw, and between attempts to write while the database is away.
PAUSE_SECONDS = 1.0
#: What is written later than this may be sent again by another process anyway.
WRITE_SECONDS = 30.0
CLOSE_SECONDS = 30.0

_PURPOSE = "webhooks"


class Courier:
    """Start it once in a process; `close` ends it. Both, and `wake`, may be called from any thread."""

    def __init__(self) -> None:
        self.loop = AlwaysRunning()
        self.runtime = Runtime(self.loop)
        self._work = asyncio.Event()
        self._turns: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        async def begin() -> None:
            self._postman = Postman()
            self._looking = asyncio.create_task(self._look_after())

        self.runtime.run(begin())

    def wake(self) -> None:
        """Something is due."""
        self.loop.loop.call_soon_threadsafe(self._work.set)

    def close(self) -> None:
        """Begin nothing more, and write what comes of what is under way."""
        self.runtime.run(self._close())
        self.loop.close()

    async def _close(self) -> None:
        self._closing = True
        self._work.set()
        if self._looking:
            await self._looking
        if self._turns:
            await asyncio.wait(self._turns, timeout=CLOSE_SECONDS)
        await self._postman.close()
        await self.runtime.leave_connection(_PURPOSE)

    async def _look_after(self) -> None:
        while not self._closing:
            self._work.clear()
            try:
                await self._begin_turns()
            except DATABASE_AWAY as error:
                await self._left(error)
            except Exception as error:
                log.error("webhooks_look_raised", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._work.wait(), LOOK_SECONDS)
            except TimeoutError:
                pass

    async def _begin_turns(self) -> None:
        if room := SLOTS - len(self._turns):
            connection = await self.runtime.connection(_PURPOSE)
            for turn in await turns.claim(connection, room):
                task = asyncio.create_task(self._have(turn))
                self._turns.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._turns.discard(task)
        self._work.set()

    async def _have(self, turn: Turn) -> None:
        """A turn; what goes wrong in it has its lease end by itself."""
        try:
            if (keys := await self._keys(turn)) is not None:
                await self._tell(turn, keys)
            await turns.leave(await self.runtime.connection(_PURPOSE), turn)
        except DATABASE_AWAY as error:
            await self._left(error)
        except Exception as error:
            log.error("webhook_turn_raised", webhook=turn.endpoint_id, error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _keys(self, turn: Turn) -> list[str] | None:
        """What to sign with; without it the endpoint is switched off, for it can be told nothing."""
        try:
            return endpoints.keys(turn.api_key_id, turn.sealed_secret, turn.previous_until, turn.began)
        except CannotDecrypt:
            reason = _("Its secret cannot be read with the keys that there are. Make a new one.")
            await in_thread(endpoints.switch_off, [turn.endpoint_id], reason)
            return None

    async def _tell(self, turn: Turn, keys: Sequence[str]) -> None:
        until = time.monotonic() + TURN_SECONDS
        telling: dict[asyncio.Task[Result], Due] = {}
        goes_on = True
        while True:
            room = 1 if turn.is_down else IN_FLIGHT
            goes_on = goes_on and not self._closing and time.monotonic() < until
            if goes_on and 2 * len(telling) <= room:
                for due in await self._take(turn, room - len(telling), [each.subject for each in telling.values()]):
                    telling[asyncio.create_task(self._postman.post(due.url or turn.url, due, keys))] = due
            if not telling:
                return
            await asyncio.wait(telling, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(GATHER_SECONDS)
            results = [task.result() for task in list(telling) if task.done()]
            telling = {task: due for task, due in telling.items() if not task.done()}
            turn = await self._settle(turn, results)
            if any(result.code == GONE for result in results) and turn.api_key_id is None:
                reason = _("It answered 410: it wants no more.")
                await in_thread(endpoints.switch_off, [turn.endpoint_id], reason)
                goes_on = False
            goes_on = goes_on and not turn.is_down and not any(result.asked for result in results)

    async def _take(self, turn: Turn, room: int, telling: Sequence[UUID]) -> list[Due]:
        return await turns.take(await self.runtime.connection(_PURPOSE), turn, room, telling)

    async def _settle(self, turn: Turn, results: Sequence[Result]) -> Turn:
        """What an endpoint has taken is written, even if the database is away for a moment."""
        until = time.monotonic() + WRITE_SECONDS
        while True:
            try:
                return await turns.settle(await self.runtime.connection(_PURPOSE), turn, results)
            except DATABASE_AWAY as error:
                if time.monotonic() > until:
                    raise
                await self._left(error)

    async def _left(self, error: Exception) -> None:
        log.warning("webhooks_database_away", error=type(error).__name__)
        await self.runtime.leave_connection(_PURPOSE)
        await asyncio.sleep(PAUSE_SECONDS)
