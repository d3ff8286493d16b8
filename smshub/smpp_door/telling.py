"""Receipts and incoming texts to the systems that are bound: what is owed, in as many PDUs as it takes, until it is
acknowledged. At least once, and of a message only its latest state.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any

import structlog

from delivery import bodies, vitals, words
from delivery.smpp.constants import CommandStatus
from delivery.smpp.link import LinkError, NoResponse
from delivery.smpp.pdu import DeliverSm
from delivery.telling import Teller
from delivery.words import Heard, Word
from smshub.smpp_door import receipts
from smshub.smpp_door.logins import Login
from smshub.smpp_door.session import Session

log = structlog.get_logger(__name__)

#: Told at once to one system, whatever its windows.
MOST_AT_ONCE = 100
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0

#: It has it, and wants it no more: told again it would be refused again (5.1.3).
_FOR_GOOD = (CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN)

Sessions = Callable[[], Sequence[Session]]


class Telling(Teller[list[Session]]):
    """`sessions` and `logins` are the door's, as they are at the moment."""

    def __init__(self, sessions: Sessions, logins: Mapping[int, Login]) -> None:
        super().__init__()
        self._sessions = sessions
        self._logins = logins
        self._pauses: dict[int, tuple[float, float]] = {}
        """Origin: until when, and how long that was."""
        self._reference = 0

    async def hearers(self) -> dict[int, list[Session]]:
        hearers: dict[int, list[Session]] = {}
        for session in self._sessions():
            if session.hears and session.login_id in self._logins:
                hearers.setdefault(session.login_id, []).append(session)
        return hearers

    def room(self, origin: int, hearer: list[Session], under_way: int) -> int:
        if monotonic() < self._pauses.get(origin, (0.0, 0.0))[0]:
            return 0
        return min(sum(session.link.room for session in hearer), MOST_AT_ONCE - under_way)

    def telling(
        self, each: words.Fate | Heard, hearer: list[Session], ciphers: bodies.Ciphers
    ) -> Coroutine[Any, Any, None] | None:
        session = max(hearer, key=lambda session: session.link.room)
        pdus = self._pdus(each, session, ciphers)
        return self._tell(each.word, session, pdus) if pdus else None

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
                    self.told(word)
                return
            if response.status in _FOR_GOOD:
                vitals.count("smpp_words_refused", 1, word.origin)
                break
            if response.status:
                self._refused(word)
                return
        session.told += 1
        self._pauses.pop(word.origin, None)
        self.told(word)
        vitals.count("smpp_words_told", 1, word.origin)

    def _refused(self, word: Word) -> None:
        """Not now: this one later, and none of the origin's for a moment."""
        _, last = self._pauses.get(word.origin, (0.0, 0.0))
        pause = min(max(2 * last, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        now = monotonic()
        if now >= self._pauses.get(word.origin, (0.0, 0.0))[0]:
            self._pauses[word.origin] = (now + pause, pause)
        self.untold(word)
