"""One string for a message's id, in whatever base the submit_sm_resp wrote it and the receipt repeats it.

Operators write the same number in decimal in one place and in hexadecimal in the other, with zeros in front or not, in
capitals or not. `canonical` takes away what is only spelling: zeros in front of a number, and the case of hexadecimal
letters where all of them have the same. Between bases the account's setting decides (`IdBase`).

AUTO learns from what this process itself has sent, and never guesses. A receipt says which number it is about, so one
that fits a message of ours by id *and* number under exactly one reading is about that message, and shows in which base
the operator writes. After LESSONS of these the reading is learned. Until then a receipt that fits no message of this
process (sent before a restart, or by another one)

- is taken as it is written where it can be read in no other way: it is no number, or one of more than 16 digits;
- is taken under every reading where the number is SAFE or larger. Only one of them is a message's: read in the wrong
  base, such a number is at least 69 times as large or as small, and no operator's counter is at both at a time. It may
  have overtaken its response, which then is a lesson as well;
- is not taken where it is smaller, for then another reading may well be another message's: 1001 and 0x1001 may both be
  ours. The operator is told to come again, and has the receipt until the reading is learned.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

LESSONS = 3
REMEMBERED = 20_000
"""Ids of which AUTO remembers the recipient while it learns."""
SAFE = 10**9
_LONGEST_NUMBER = 16

_hexadecimal = re.compile(r"[0-9]*[0-9a-f][0-9a-f]*|[0-9A-F]+").fullmatch
_decimal = re.compile(r"[0-9]+").fullmatch


class IdBase(StrEnum):
    AUTO = "auto"
    SAME = "same"
    """Responses and receipts write ids in the same base."""
    EXACT = "exact"
    """As SAME, and zeros and capitals tell messages apart."""
    HEX_DECIMAL = "hex-decimal"
    """Responses in hexadecimal, receipts in decimal."""
    DECIMAL_HEX = "decimal-hex"
    """Responses in decimal, receipts in hexadecimal."""


def canonical(message_id: str) -> str:
    """The same string for all spellings of an id in one base."""
    if _hexadecimal(message_id) is None:
        return message_id
    return message_id.lstrip("0").lower() or "0"


def _decimal_to_hex(message_id: str) -> str:
    return format(int(message_id), "x") if _decimal(message_id) and len(message_id) <= 20 else ""


def _hex_to_decimal(message_id: str) -> str:
    return str(int(message_id, 16)) if _hexadecimal(message_id) and len(message_id) <= _LONGEST_NUMBER else ""


#: What the response called a message that a receipt writes so; empty where the receipt cannot be written in that base.
_READINGS: dict[IdBase, Callable[[str], str]] = {
    IdBase.SAME: lambda message_id: message_id,
    IdBase.HEX_DECIMAL: _decimal_to_hex,
    IdBase.DECIMAL_HEX: _hex_to_decimal,
}


class MessageIds:
    """The ids of one account. `learned` is told once in which base AUTO has found it to write."""

    def __init__(self, base: IdBase, *, learned: Callable[[IdBase], None] = lambda _base: None) -> None:
        self.base = base
        self._learned = learned
        self._sent: dict[str, str] = {}
        self._early: dict[str, tuple[IdBase, set[str]]] = {}
        self._lessons: Counter[IdBase] = Counter()

    def of_response(self, message_id: str, recipient: str) -> str:
        """The id of a message that was just taken for this recipient."""
        if self.base is IdBase.EXACT:
            return message_id
        known_as = canonical(message_id)
        if self.base is IdBase.AUTO:
            self._sent[known_as] = _tail(recipient)
            if len(self._sent) > REMEMBERED:
                del self._sent[next(iter(self._sent))]
            base, numbers = self._early.pop(known_as, (IdBase.AUTO, set()))
            if _tail(recipient) in numbers:
                self._learn([base])
        return known_as

    def of_receipt(self, message_id: str, numbers: Iterable[str]) -> tuple[str, ...]:
        """The same id as the response's; several, of which one is a message's; none: it cannot be told yet.

        `numbers` are the receipt's: the recipient's is its source, but some operators repeat the message's own order.
        """
        if self.base is IdBase.EXACT:
            return (message_id,)
        written = canonical(message_id)
        if self.base is not IdBase.AUTO:
            return (_READINGS[self.base](written) or written,)
        readings = {base: reading(written) for base, reading in _READINGS.items()}
        recipients = {_tail(number) for number in numbers}
        if found := self._found(readings, recipients):
            return (found,)
        if _hexadecimal(written) is None or len(written) > _LONGEST_NUMBER:
            return (written,)
        smallest = int(written, 10 if _decimal(written) else 16)
        if smallest < SAFE:
            return ()
        self._early.update({known_as: (base, recipients) for base, known_as in readings.items() if known_as})
        while len(self._early) > REMEMBERED:
            del self._early[next(iter(self._early))]
        return tuple({known_as for known_as in readings.values() if known_as})

    def _found(self, readings: Mapping[IdBase, str], recipients: set[str]) -> str:
        """The one message of ours that this can be about; empty for none, or for one of several."""
        fitting = {base: known_as for base, known_as in readings.items() if self._sent.get(known_as) in recipients}
        if len(set(fitting.values())) != 1:
            return ""
        self._learn(list(fitting))
        return next(iter(fitting.values()))

    def _learn(self, bases: list[IdBase]) -> None:
        if len(bases) != 1:
            return  # a number below ten is the same in every base
        self._lessons[bases[0]] += 1
        if self._lessons[bases[0]] >= LESSONS and len(self._lessons) == 1:
            self.base = bases[0]
            self._sent.clear()
            self._early.clear()
            self._learned(self.base)


def _tail(number: str) -> str:
    """A number may be written with or without its country's code."""
    digits = "".join(character for character in number if character.isdecimal())
    return digits[-7:]
