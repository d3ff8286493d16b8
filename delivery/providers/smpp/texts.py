"""Texts that people write to us: put together from their parts, stored, and only then acknowledged.

An acknowledged part that is lost with the process would be a lost text. So no part is acknowledged before the whole
text is stored. But an operator may wait for a response before it sends the next part, and must not wait for long: a
part whose text is not whole within HOLD_SECONDS is answered ESME_RX_T_APPN, "come again later", and what it said is
kept. So the text becomes whole whatever the operator does: with the other parts while these are held, or with what is
remembered of those that will come again. One that comes again after its text was stored is acknowledged at once. A
text that is not whole after WHOLE_SECONDS is stored with gaps.

deliver_sm has no id of its own. Each text gets one here. Where an acknowledgement may not have reached the operator
(the link was lost shortly after, or the storing failed), the same text from the same person within UNSURE_SECONDS is
taken for the same one and keeps its id, by which the hub knows it. Otherwise a person may write the same thing twice.
"""

import asyncio
import re
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import monotonic
from uuid import uuid4

from delivery.providers.base import InboundText
from delivery.providers.smpp.account import Account
from delivery.providers.smpp.gathering import Gathering
from delivery.smpp import text
from delivery.smpp.constants import CommandStatus, Ton
from delivery.smpp.link import Link
from delivery.smpp.pdu import DataSm, DeliverSm, Response, response_to
from delivery.smpp.reassembly import Reassembly, Text

HOLD_SECONDS = 2.0
WHOLE_SECONDS = 300.0
UNSURE_SECONDS = 900.0
FRESH_SECONDS = 30.0
"""An acknowledgement written so shortly before the link ended may not have arrived."""
_MOST_REMEMBERED = 5000
GAP = "[…]"

_WRITER = re.compile(r"[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ._&-]{1,20}").fullmatch
_LONGEST_BODY = 39_015


@dataclass(slots=True)
class _Part:
    body: str
    digest: bytes
    answer: "asyncio.Future[Response | None]"
    pdu: DeliverSm | DataSm
    key: Hashable = None
    """What the parts of one text have in common."""


@dataclass(slots=True)
class _Done:
    """A text in parts that was given to be stored."""

    until: float
    digests: frozenset[bytes]
    stored: "asyncio.Future[bool]"


@dataclass(slots=True)
class Texts:
    account: Account
    gathering: Gathering
    _together: Reassembly[_Part] = field(default_factory=lambda: Reassembly(seconds=WHOLE_SECONDS))
    _done: dict[Hashable, _Done] = field(default_factory=dict)
    _recent: dict[Link, deque[tuple[float, bytes, str]]] = field(default_factory=dict)
    _unsure: dict[bytes, tuple[float, str]] = field(default_factory=dict)

    def heard(self, link: Link, pdu: DeliverSm | DataSm) -> "Response | asyncio.Future[Response | None]":
        """The response to a text of a person's, when it may be given."""
        loop = asyncio.get_running_loop()
        writer = phone_number(pdu.source_addr, pdu.source_addr_ton, self.account)
        if not writer:
            return response_to(pdu)  # nobody whom it could be from: it would come again for ever
        data, concat = text.taken_apart(pdu)
        body = text.decode(data, pdu.data_coding, self.account.alphabet)
        digest = blake2b(
            repr((pdu.source_addr, pdu.destination_addr, concat, body)).encode(errors="replace"), digest_size=12
        ).digest()
        answer: asyncio.Future[Response | None] = loop.create_future()
        part = _Part(body, digest, answer, pdu)
        if concat is None:
            self._store(link, [part], body)
            return answer
        who = (pdu.source_addr, pdu.destination_addr)
        part.key = (who, concat.reference, concat.total)
        done = self._done.get(part.key)
        if done is not None and digest in done.digests:
            _answer_when(done.stored, [part])
            return answer
        found = self._together.add(who, concat, part, now=monotonic())
        if found.is_whole:
            self._end(link, found)
        else:
            loop.call_later(HOLD_SECONDS, _come_again, part)
        return answer

    def look_after(self) -> None:
        """Store what will not become whole any more, and forget what is old. Called now and then."""
        now = monotonic()
        for found in self._together.over(now=now):
            self._end(None, found)
        while self._done and (now > next(iter(self._done.values())).until or len(self._done) > _MOST_REMEMBERED):
            del self._done[next(iter(self._done))]
        while self._unsure and (now > next(iter(self._unsure.values()))[0] or len(self._unsure) > _MOST_REMEMBERED):
            del self._unsure[next(iter(self._unsure))]

    def link_closed(self, link: Link) -> None:
        now = monotonic()
        for at, digest, known_as in self._recent.pop(link, ()):
            if at > now - FRESH_SECONDS:
                self._unsure[digest] = (now + UNSURE_SECONDS, known_as)

    def close(self) -> None:
        """What is not whole stays the operator's: none of it was acknowledged."""
        for found in self._together.all():
            for part in found.parts.values():
                _come_again(part)

    def _end(self, link: Link | None, found: Text[_Part]) -> None:
        """A text is whole, or will not be any more."""
        parts = list(found.parts.values())
        stored = self._store(link, parts, "".join(part.body if part else GAP for part in found.in_order()))
        digests = frozenset(part.digest for part in parts)
        self._done[parts[0].key] = _Done(monotonic() + UNSURE_SECONDS, digests, stored)

    def _store(self, link: Link | None, parts: list[_Part], body: str) -> "asyncio.Future[bool]":
        first = parts[0]
        digest = b"".join(sorted(part.digest for part in parts)) if len(parts) > 1 else first.digest
        _, known_as = self._unsure.pop(digest, (0.0, uuid4().hex))
        if link is not None:
            self._recent.setdefault(link, deque(maxlen=200)).append((monotonic(), digest, known_as))
        stored = self.gathering.store(
            InboundText(
                provider_message_id=known_as,
                phone=phone_number(first.pdu.source_addr, first.pdu.source_addr_ton, self.account),
                recipient=phone_number(first.pdu.destination_addr, first.pdu.dest_addr_ton, self.account),
                # Postgres keeps no NUL, and UTF-8 no half of a pair.
                body=body.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_BODY],
            )
        )
        stored.add_done_callback(lambda done: self._was_stored(digest, known_as, is_stored=done.result()))
        _answer_when(stored, parts)
        return stored

    def _was_stored(self, digest: bytes, known_as: str, *, is_stored: bool) -> None:
        if not is_stored:
            self._unsure[digest] = (monotonic() + UNSURE_SECONDS, known_as)
            for key, done in list(self._done.items()):
                if done.stored.done() and not done.stored.result():
                    del self._done[key]


def phone_number(address: str, ton: int, account: Account) -> str:
    """An address as the hub writes it: E.164 with a plus, a short code or a name as it is; empty for nonsense."""
    address = address.strip()
    digits = address.removeprefix("+")
    if ton == Ton.ALPHANUMERIC or not digits.isdecimal() or not digits.isascii():
        return address if _WRITER(address) else ""
    if digits.startswith("00"):
        digits = digits[2:]
    elif account.country_code and len(digits) >= 6 and (ton == Ton.NATIONAL or digits.startswith("0")):
        digits = account.country_code + digits.removeprefix("0")
    if 7 <= len(digits) <= 15 and not digits.startswith("0"):
        return f"+{digits}"
    return digits if _WRITER(digits) else ""


def _answer_when(stored: "asyncio.Future[bool]", parts: list[_Part]) -> None:
    def answer(done: "asyncio.Future[bool]") -> None:
        for part in parts:
            if not part.answer.done():
                status = CommandStatus.ESME_ROK if done.result() else CommandStatus.ESME_RX_T_APPN
                part.answer.set_result(response_to(part.pdu, status))

    if stored.done():
        answer(stored)
    else:
        stored.add_done_callback(answer)


def _come_again(part: _Part) -> None:
    if not part.answer.done():
        part.answer.set_result(response_to(part.pdu, CommandStatus.ESME_RX_T_APPN))
