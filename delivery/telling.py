"""The loop that tells origins what they are owed: reads it, hands it to a door's own way of telling, strikes it off.

At least once, and of a message its latest state. A door says who hears, how much each may be told at once, and how one
word is told.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

import structlog

from delivery import bodies, words
from delivery.ids import month_of_id
from delivery.runtime import DATABASE_AWAY, connect
from delivery.words import Connection, Heard, Word

log = structlog.get_logger(__name__)

#: What is acknowledged in this time is struck off together.
GATHER_SECONDS = 0.005
AWAY_SECONDS = 1.0

H = TypeVar("H")


class Teller(ABC, Generic[H]):
    """`H` is what a door needs to tell an origin. Lives on one event loop."""

    #: How often is looked at what is owed; one statement for all origins.
    look_seconds = 0.25

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._mine: set[int] = set()
        self._under_way: dict[asyncio.Task[None], Word] = {}
        self._told: list[Word] = []
        self._untold: list[Word] = []
        self._known: dict[Word, int] = {}
        self._news = asyncio.Event()
        self._closing = False

    @abstractmethod
    async def hearers(self) -> Mapping[int, H]:
        """Who can be told at present, by origin."""

    @abstractmethod
    def room(self, origin: int, hearer: H, under_way: int) -> int:
        """How much more may be told now to an origin that is being told so much; below one: nothing."""

    @abstractmethod
    def telling(self, each: words.Fate | Heard, hearer: H, ciphers: bodies.Ciphers) -> Coroutine[Any, Any, None] | None:
        """Tells one word, and ends with `told`, `untold` or neither: then it is told again soon. None: there is nothing
        to be told."""

    async def run(self) -> None:
        """Until it is cancelled or closed."""
        try:
            while not self._closing:
                try:
                    await self._look()
                except Exception as error:  # a door that went on without telling would be worse
                    log.warning("words_not_read", error=type(error).__name__)
                    await self._leave()
                    await asyncio.sleep(AWAY_SECONDS)
                # Not `wait_for`, which loses a cancellation that comes with the news (before Python 3.12).
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.look_seconds):
                        await self._news.wait()
                self._news.clear()
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            with suppress(*DATABASE_AWAY):
                await self._write(await self._connected())
            await self._leave()

    async def close(self, seconds: float) -> None:
        """Begin nothing more, and wait so long at most for what is under way; `run` is to be cancelled then."""
        self._closing = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    def look_soon(self) -> None:
        self._news.set()

    def told(self, word: Word) -> None:
        """It knows, or never wants to."""
        self._told.append(word)

    def untold(self, word: Word) -> None:
        """Not now: it is told again later, ever more rarely."""
        self._untold.append(word)

    def knows(self, word: Word, rank: int) -> None:
        """A step that the origin has been told, which is kept of those that want progress."""
        self._known[word] = rank

    async def _look(self) -> None:
        hearers = await self.hearers()
        if not (hearers or self._mine or self._told or self._untold):
            return
        connection = await self._connected()
        await self._write(connection)
        await self._lock(connection, set(hearers))
        under_way = [word.origin for word in self._under_way.values()]
        rooms = {
            origin: self.room(origin, hearers[origin], under_way.count(origin)) for origin in self._mine & set(hearers)
        }
        rooms = {origin: room for origin, room in rooms.items() if room > 0}
        if not rooms or self._closing:
            return
        unwritten = [*self._under_way.values(), *self._told, *self._untold]
        found = await words.due(connection, rooms, list({word.subject for word in unwritten}))
        heard = {month_of_id(each.word.subject) for each in found if isinstance(each, Heard)}
        ciphers = await bodies.ciphers_over(connection, heard) if heard else {}
        for each in found:
            self._begin(each, hearers[each.word.origin], ciphers)

    async def _lock(self, connection: Connection, wanted: set[int]) -> None:
        """An origin is left to other processes when nobody hears for it here, and nothing of it is under way."""
        left = self._mine - wanted - {word.origin for word in self._under_way.values()}
        if left:
            await words.unlock(connection, sorted(left))
            self._mine -= left
        if new := wanted - self._mine:
            self._mine |= set(await words.lock(connection, sorted(new)))

    async def _write(self, connection: Connection) -> None:
        if known := dict(self._known):
            await words.note_told(connection, {word.subject: rank for word, rank in known.items()})
            self._known = {word: rank for word, rank in self._known.items() if known.get(word) != rank}
        if told := list(self._told):
            await words.strike(connection, told)
            del self._told[: len(told)]
        if untold := list(self._untold):
            await words.later(connection, untold)
            del self._untold[: len(untold)]

    def _begin(self, each: words.Fate | Heard, hearer: H, ciphers: bodies.Ciphers) -> None:
        work = self.telling(each, hearer, ciphers)
        if work is None:
            self.told(each.word)
            self._news.set()
            return
        task = asyncio.create_task(work)
        self._under_way[task] = each.word
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(task, None)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("telling_failed", error=type(error).__name__)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._mine.clear()
            self._connection = await connect()
        return self._connection

    async def _leave(self) -> None:
        self._mine.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DATABASE_AWAY):
                await connection.close()
