"""Receipts and incoming texts to the systems that are bound: what is owed, in as many PDUs as it takes, until it is
acknowledged. At least once, and of a message only its latest state.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import structlog

from delivery import bodies, vitals, words
from delivery.ids import month_of_id
from delivery.runtime import DATABASE_AWAY, connect
from delivery.smpp.constants import CommandStatus
from delivery.smpp.link import LinkError, NoResponse
from delivery.smpp.pdu import DeliverSm
from delivery.words import Connection, Heard, Word
from smshub.smpp_door import receipts
from smshub.smpp_door.logins import Login
from smshub.smpp_door.session import Session

log = structlog.get_logger(__name__)

#: How often is looked at what is owed to those who are bound; one statement for all of them.
LOOK_SECONDS = 0.25
#: What is acknowledged in this time is struck off together.
GATHER_SECONDS = 0.005
#: Told at once to one system, whatever its windows.
MOST_AT_ONCE = 100
AWAY_SECONDS = 1.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0

#: It has it, and wants it no more: told again it would be refused again (5.1.3).
_FOR_GOOD = (CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN)

Sessions = Callable[[], Sequence[Session]]


class Telling:
    """`sessions` and `logins` are the door's, as they are at the moment."""

    def __init__(self, sessions: Sessions, logins: Mapping[int, Login]) -> None:
        self._sessions = sessions
        self._logins = logins
        self._connection: Connection | None = None
        self._mine: set[int] = set()
        self._under_way: dict[asyncio.Task[None], Word] = {}
        self._told: list[Word] = []
        self._untold: list[Word] = []
        self._pauses: dict[int, tuple[float, float]] = {}
        """Origin: until when, and how long that was."""
        self._reference = 0
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # a door that went on without telling would be worse
                    log.warning("words_not_read", error=type(error).__name__)
                    await self._leave()
                    await asyncio.sleep(AWAY_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)
                self._news.clear()
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            with suppress(*DATABASE_AWAY):
                await self._write(await self._connected())
            await self._leave()

    def look_soon(self) -> None:
        self._news.set()

    async def _look(self) -> None:
        hearers = self._hearers()
        if not (hearers or self._mine or self._told or self._untold):
            return
        connection = await self._connected()
        await self._write(connection)
        await self._lock(connection, set(hearers))
        rooms = self._rooms(hearers)
        if not rooms:
            return
        unwritten = [*self._under_way.values(), *self._told, *self._untold]
        telling = list({word.subject for word in unwritten})
        found = await words.due(connection, rooms, telling)
        heard = {month_of_id(each.word.subject) for each in found if isinstance(each, Heard)}
        ciphers = await bodies.ciphers_over(connection, heard) if heard else {}
        for each in found:
            self._begin(each, hearers[each.word.origin], ciphers)

    def _hearers(self) -> dict[int, list[Session]]:
        hearers: dict[int, list[Session]] = {}
        for session in self._sessions():
            if session.hears and session.login_id in self._logins:
                hearers.setdefault(session.login_id, []).append(session)
        return hearers

    def _rooms(self, hearers: Mapping[int, Sequence[Session]]) -> dict[int, int]:
        now, rooms = monotonic(), {}
        under_way = [word.origin for word in self._under_way.values()]
        for origin in self._mine & hearers.keys():
            if now < self._pauses.get(origin, (0.0, 0.0))[0]:
                continue
            room = min(sum(session.link.room for session in hearers[origin]), MOST_AT_ONCE - under_way.count(origin))
            if room > 0:
                rooms[origin] = room
        return rooms

    async def _lock(self, connection: Connection, wanted: set[int]) -> None:
        """An origin is left to other doors when nobody here hears for it, and nothing of it is under way."""
        left = self._mine - wanted - {word.origin for word in self._under_way.values()}
        if left:
            await words.unlock(connection, sorted(left))
            self._mine -= left
        if new := wanted - self._mine:
            self._mine |= set(await words.lock(connection, sorted(new)))

    async def _write(self, connection: Connection) -> None:
        if told := list(self._told):
            await words.strike(connection, told)
            del self._told[: len(told)]
        if untold := list(self._untold):
            await words.later(connection, untold)
            del self._untold[: len(untold)]

    def _begin(self, each: words.Fate | Heard, sessions: Sequence[Session], ciphers: bodies.Ciphers) -> None:
        session = max(sessions, key=lambda session: session.link.room)
        pdus = self._pdus(each, session, ciphers)
        if not pdus:
            self._told.append(each.word)
            self._news.set()
            return
        task = asyncio.create_task(self._tell(each.word, session, pdus))
        self._under_way[task] = each.word
        task.add_done_callback(self._ended)

    def _pdus(self, each: words.Fate | Heard, session: Session, ciphers: bodies.Ciphers) -> list[DeliverSm]:
        if isinstance(each, words.Fate):
            return receipts.of_fate(each, with_tlvs=session.with_tlvs)
        try:
            text = bodies.open_with(ciphers, each.word.subject, each.sealed_body)
        except bodies.CannotOpen:
            return []
        self._reference = (self._reference + 1) & 0xFFFF
        alphabet = self._logins[session.login_id].alphabet
        return receipts.of_text(each.phone, each.recipient, text, alphabet, self._reference)

    async def _tell(self, word: Word, session: Session, pdus: Sequence[DeliverSm]) -> None:
        for pdu in pdus:
            try:
                response = await session.link.request(pdu, room_seconds=session.link.response_seconds)
            except NoResponse:
                self._refused(word)
                return
            except (LinkError, ValueError) as error:
                # The connection is gone: it is told over the next one. A field that fits no PDU never will.
                if isinstance(error, ValueError):
                    log.error("word_cannot_be_told", subject=str(word.subject), error=type(error).__name__)
                    self._told.append(word)
                return
            if response.status in _FOR_GOOD:
                vitals.count("smpp_words_refused", 1, word.origin)
                break
            if response.status:
                self._refused(word)
                return
        session.told += 1
        self._pauses.pop(word.origin, None)
        self._told.append(word)
        vitals.count("smpp_words_told", 1, word.origin)

    def _refused(self, word: Word) -> None:
        """Not now: this one later, and none of the origin's for a moment."""
        _, last = self._pauses.get(word.origin, (0.0, 0.0))
        pause = min(max(2 * last, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        now = monotonic()
        if now >= self._pauses.get(word.origin, (0.0, 0.0))[0]:
            self._pauses[word.origin] = (now + pause, pause)
        self._untold.append(word)

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
