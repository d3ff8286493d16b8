"""A text as the octets of one or several short messages, and back (SMPP 3.4 5.2.12, 5.2.19; 3GPP TS 23.040 9.2.3.24).

Cut is what goes over the air: 160 septets or 70 UTF-16 units alone, 153 or 67 in each part of a longer text, because a
header of 6 octets that numbers the parts comes out of its 140; one of 7 with a 16-bit reference leaves 152 and 66.
Nothing is cut inside an escape pair or a surrogate pair.
"""

import codecs
from dataclasses import dataclass
from enum import StrEnum

from delivery.smpp import gsm7
from delivery.smpp.constants import ESM_UDHI, Tag
from delivery.smpp.pdu import DataSm, ShortMessage, Tlv, Tlvs, integer, integer_tlv, tlv

DEFAULT, IA5, BINARY_2, LATIN_1, BINARY_4, UCS2 = 0, 1, 2, 3, 4, 8

MOST_PARTS = 255
_UDH_8, _UDH_16 = 0x00, 0x08


class Alphabet(StrEnum):
    """What the operator's message centre takes and gives as data_coding 0, and what texts that fit GSM-7 go out as."""

    GSM7 = "gsm7"
    LATIN1 = "latin1"
    """Default alphabet GSM-7, but texts go out as Latin-1, data_coding 3."""
    LATIN1_DEFAULT = "latin1-default"
    """The default alphabet is itself Latin-1."""


class Long(StrEnum):
    """How a text that is longer than one short message goes out."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"
    """Whole, in message_payload; the message centre cuts it."""


@dataclass(frozen=True, slots=True)
class Part:
    short_message: bytes
    esm_class: int = 0
    tlvs: Tlvs = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    data_coding: int
    parts: tuple[Part, ...]


def encode(text: str, *, alphabet: Alphabet = Alphabet.GSM7, long: Long = Long.UDH8, reference: int = 0) -> Encoded:
    """The short messages of a text. `reference` is what its parts have in common: its low bits are used.

    Raises ValueError for a text with half of a surrogate pair, or one of more than 255 parts.
    """
    # What Latin-1 has and GSM-7 lacks would change or turn to UCS-2 on the way, and be charged as such.
    if gsm7.is_gsm7(text) and (alphabet is Alphabet.GSM7 or _is_latin1(text)):
        septets = gsm7.escaped(text)
        data_coding = LATIN_1 if alphabet is Alphabet.LATIN1 else DEFAULT
        if len(septets) <= 160:
            return Encoded(data_coding, (Part(_octets(septets, alphabet)),))
        if long is Long.PAYLOAD:
            return Encoded(data_coding, (_payload(_octets(septets, alphabet)),))
        pieces = [_octets(piece, alphabet) for piece in _cut_septets(septets, 152 if long is Long.UDH16 else 153)]
        return Encoded(data_coding, _numbered(pieces, long, reference))
    units = text.encode("utf-16-be")
    if len(units) <= 140:
        return Encoded(UCS2, (Part(units),))
    if long is Long.PAYLOAD:
        return Encoded(UCS2, (_payload(units),))
    return Encoded(UCS2, _numbered(_cut_units(units, 132 if long is Long.UDH16 else 134), long, reference))


def _is_latin1(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


def _octets(escaped: str, alphabet: Alphabet) -> bytes:
    if alphabet is Alphabet.GSM7:
        return gsm7.octets(escaped)
    return escaped.replace(gsm7.ESCAPE, "").encode("latin-1")


def _cut_septets(septets: str, limit: int) -> list[str]:
    pieces, start = [], 0
    while start < len(septets):
        end = start + limit
        if end < len(septets) and septets[end - 1] == gsm7.ESCAPE:
            end -= 1
        pieces.append(septets[start:end])
        start = end
    return pieces


def _cut_units(units: bytes, limit: int) -> list[bytes]:
    pieces, start = [], 0
    while start < len(units):
        end = start + limit
        if end < len(units) and 0xD8 <= units[end - 2] <= 0xDB:
            end -= 2
        pieces.append(units[start:end])
        start = end
    return pieces


def _payload(data: bytes) -> Part:
    if len(data) > 0xFFFF:
        raise ValueError("The text is too long for one message")
    return Part(b"", tlvs=((Tag.MESSAGE_PAYLOAD, data),))


def _numbered(pieces: list[bytes], long: Long, reference: int) -> tuple[Part, ...]:
    total = len(pieces)
    if total > MOST_PARTS:
        raise ValueError("The text has more than 255 parts")
    if long is Long.SAR:
        # Eight bits, so that the message centre makes of them the header that these pieces leave room for.
        common: tuple[Tlv, ...] = (
            integer_tlv(Tag.SAR_MSG_REF_NUM, reference & 0xFF, 2),
            integer_tlv(Tag.SAR_TOTAL_SEGMENTS, total, 1),
        )
        return tuple(
            Part(piece, tlvs=(*common, integer_tlv(Tag.SAR_SEGMENT_SEQNUM, number, 1)))
            for number, piece in enumerate(pieces, 1)
        )
    if long is Long.UDH16:
        head = bytes((6, _UDH_16, 4, reference >> 8 & 0xFF, reference & 0xFF, total))
    else:
        head = bytes((5, _UDH_8, 3, reference & 0xFF, total))
    return tuple(Part(head + bytes((number,)) + piece, esm_class=ESM_UDHI) for number, piece in enumerate(pieces, 1))


# Reading.

_CODECS = {
    IA5: "ascii",
    BINARY_2: "latin-1",
    LATIN_1: "latin-1",
    BINARY_4: "latin-1",
    5: "shift_jis",
    6: "iso8859-5",
    7: "iso8859-8",
    UCS2: "utf-16-be",
    10: "iso2022_jp",
    13: "euc_jp",
    14: "euc_kr",
}


def decode(data: bytes, data_coding: int, alphabet: Alphabet = Alphabet.GSM7) -> str:
    """The text of a short message (without header). Never fails: what cannot be read becomes U+FFFD.

    From 0x10 on data_coding is a GSM data coding scheme (3GPP TS 23.038 §4), of which the alphabet bits count.
    """
    if data_coding >= 0xF0:
        data_coding = BINARY_4 if data_coding & 0x04 else DEFAULT
    elif data_coding >= 0xC0:
        data_coding = UCS2 if data_coding & 0xF0 == 0xE0 else DEFAULT
    elif data_coding >= 0x10:
        data_coding = (DEFAULT, BINARY_4, UCS2, DEFAULT)[data_coding >> 2 & 3]
    if data_coding in _CODECS:
        return codecs.decode(data, _CODECS[data_coding], "replace")
    return data.decode("latin-1") if alphabet is Alphabet.LATIN1_DEFAULT else gsm7.decode(data)


@dataclass(frozen=True, slots=True)
class Concat:
    """Which part of which text: `number` of `total`, from 1."""

    reference: int
    total: int
    number: int


def taken_apart(pdu: ShortMessage | DataSm) -> tuple[bytes, Concat | None]:
    """The octets of a message's text, without its header, and which part of a longer one they are.

    A header or a number of parts that makes no sense counts as none.
    """
    data = pdu.short_message if isinstance(pdu, ShortMessage) else b""
    if not data:
        data = tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    concat = None
    if pdu.esm_class & ESM_UDHI and data and len(data) > data[0]:
        concat = _of_header(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    if concat is None and pdu.tlvs:
        numbers = [
            integer(pdu.tlvs, tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
        ]
        concat = _sane(*[number or 0 for number in numbers])
    return data, concat


def _of_header(header: bytes) -> Concat | None:
    at = 0
    while at + 2 <= len(header):
        element, size = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if element == _UDH_8 and len(value) == 3:
            return _sane(*value)
        if element == _UDH_16 and len(value) == 4:
            return _sane(int.from_bytes(value[:2], "big"), value[2], value[3])
        at += 2 + size
    return None


def _sane(reference: int, total: int, number: int) -> Concat | None:
    return Concat(reference, total, number) if 1 < total <= MOST_PARTS and 0 < number <= total else None
