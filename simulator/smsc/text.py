"""What stands in a short message: its text in the alphabet of its data_coding, and which part of a longer one it is.

Alphabets: 3GPP TS 23.038; parts: user data headers of TS 23.040, 9.2.3.24.1 and 9.2.3.24.8, or the sar TLVs of
SMPP 3.4, 5.3.2.22-24.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from delivery.smpp.constants import ESM_UDHI, Tag
from delivery.smpp.pdu import ShortMessage, Tlv, integer, integer_tlv, tlv
from simulator.segments import ALPHABET, EXTENSION

Coding = Literal["gsm7", "ucs2", "latin1", "ascii", "binary"]
Joining = Literal["udh8", "udh16", "sar", "payload"]

DATA_CODING: dict[str, int] = {"gsm7": 0, "ascii": 1, "latin1": 3, "ucs2": 8}
SINGLE_OCTETS = 140
SINGLE_SEPTETS = 160

_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)
_SEPTETS = {character: bytes([code]) for code, character in enumerate(ALPHABET) if character != "\x1b"} | {
    character: bytes([0x1B, code]) for code, character in EXTENSION.items()
}
# Whatever the alphabet and the header: Latin letters may take two octets each.
_ALWAYS_FITS = 60
# What the centre makes of sar parameters takes room in each part, and is the shorter header at least.
_SAR_HEADER = 6
_HEADERS = {"udh8": 6, "udh16": 7}
_EXTENSION = {ALPHABET[code]: character for code, character in EXTENSION.items()}


class Part(NamedTuple):
    reference: int
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Content:
    text: str
    part: Part | None
    paid_load: bool
    """Whether it came as message_payload, and may be longer than one short message."""


def read(pdu: ShortMessage, alphabet: str) -> Content:
    """ValueError for a header, a part or a length that no network would take."""
    payload = tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) if pdu.tlvs else None
    if payload is not None and pdu.short_message:
        raise ValueError("a text in two places")
    data = pdu.short_message if payload is None else payload
    part, header = None, 0
    if pdu.esm_class & ESM_UDHI:
        part, header = _read_header(data)
    elif pdu.tlvs:
        part = _read_sar(pdu.tlvs)
    room = header if part is None or header else _SAR_HEADER
    if part is not None and not 1 <= part.number <= part.total:
        raise ValueError("a part that there cannot be")
    coding = coding_of(pdu.data_coding, alphabet)
    data = data[header:]
    text = decode(data, coding)
    if payload is None and len(data) > _ALWAYS_FITS and not _fits(data, text, coding, room):
        raise ValueError("more than one short message holds")
    return Content(text, part, payload is not None)


def _fits(data: bytes, text: str, coding: Coding, header: int) -> bool:
    """Whether it goes over the air as one. Latin letters do in the GSM alphabet if that has them all."""
    if coding == "gsm7":
        return len(data) + _septets(header) <= SINGLE_SEPTETS
    if coding in ("latin1", "ascii"):
        if all(character in _SEPTETS for character in text):
            return sum([len(_SEPTETS[character]) for character in text]) + _septets(header) <= SINGLE_SEPTETS
        return 2 * len(text) + header <= SINGLE_OCTETS
    return len(data) + header <= SINGLE_OCTETS


def coding_of(data_coding: int, alphabet: str) -> Coding:
    """SMPP 3.4, 5.2.19, and the coding groups of TS 23.038 with a message class."""
    if data_coding == 0:
        return "latin1" if alphabet == "latin1" else "gsm7"
    if data_coding & 0xF0 == 0xF0:
        return "binary" if data_coding & 0x04 else "gsm7"
    named: dict[int, Coding] = {1: "ascii", 3: "latin1", 8: "ucs2", 0x10: "gsm7", 0x18: "ucs2"}
    return named.get(data_coding, "binary")


def decode(data: bytes, coding: Coding) -> str:
    """What cannot be read becomes U+FFFD, so that it shows."""
    if coding == "gsm7":
        text = codecs.charmap_decode(data, "replace", ALPHABET)[0]
        return _ESCAPED.sub(lambda found: _EXTENSION.get(found[1], "�"), text) if "\x1b" in text else text
    if coding == "ucs2":
        return data.decode("utf-16-be", "replace")
    if coding == "ascii":
        return data.decode("ascii", "replace")
    return data.decode("latin-1")


def _read_header(data: bytes) -> tuple[Part | None, int]:
    """(the part that a user data header tells of, octets of the header)."""
    if not data or len(data) < data[0] + 1:
        raise ValueError("a user data header that is cut off")
    end = data[0] + 1
    part, at = None, 1
    while at < end:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            raise ValueError("an element of the user data header that is cut off")
        kind, size = data[at], data[at + 1]
        if kind == 0x00 and size == 3:
            part = Part(data[at + 2], data[at + 4], data[at + 3])
        elif kind == 0x08 and size == 4:
            part = Part(int.from_bytes(data[at + 2 : at + 4], "big"), data[at + 5], data[at + 4])
        at += 2 + size
    return part, end


def _read_sar(tlvs: tuple[Tlv, ...]) -> Part | None:
    reference, total, number = (
        integer(tlvs, tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    )
    if reference is None and total is None and number is None:
        return None
    if reference is None or total is None or number is None:
        raise ValueError("sar parameters that are not complete")
    return Part(reference, number, total)


class Piece(NamedTuple):
    """What goes into one deliver_sm."""

    data: bytes
    tlvs: tuple[Tlv, ...]
    udhi: bool


def write(text: str, coding: str, joining: Joining, reference: int) -> list[Piece]:
    """`text` as one short message, or as many as it takes, in order. ValueError for what the coding cannot write."""
    units = list(_units(text, coding))
    whole = b"".join(units)
    single = SINGLE_SEPTETS if coding == "gsm7" else SINGLE_OCTETS
    if len(whole) <= single:
        return [Piece(whole, (), False)]
    if joining == "payload":
        return [Piece(b"", ((Tag.MESSAGE_PAYLOAD, whole),), False)]
    header = _HEADERS.get(joining, 6)
    room = single - (_septets(header) if coding == "gsm7" else header)
    parts = [b""]
    for unit in units:
        if len(parts[-1]) + len(unit) > room:
            parts.append(b"")
        parts[-1] += unit
    if len(parts) > 255:
        raise ValueError("more than 255 parts")
    return [_piece(data, joining, reference, number, len(parts)) for number, data in enumerate(parts, 1)]


def _septets(octets: int) -> int:
    return -(-octets * 8 // 7)


def _piece(data: bytes, joining: Joining, reference: int, number: int, total: int) -> Piece:
    if joining == "sar":
        tlvs = (
            integer_tlv(Tag.SAR_MSG_REF_NUM, reference, 2),
            integer_tlv(Tag.SAR_TOTAL_SEGMENTS, total, 1),
            integer_tlv(Tag.SAR_SEGMENT_SEQNUM, number, 1),
        )
        return Piece(data, tlvs, False)
    if joining == "udh8":
        return Piece(bytes([5, 0x00, 3, reference & 0xFF, total, number]) + data, (), True)
    return Piece(bytes([6, 0x08, 4, reference >> 8, reference & 0xFF, total, number]) + data, (), True)


def _units(text: str, coding: str) -> Iterator[bytes]:
    """Characters as octets: what must not be cut apart stays together."""
    if coding == "gsm7":
        try:
            yield from (_SEPTETS[character] for character in text)
        except KeyError:
            raise ValueError("a character that the GSM alphabet does not have") from None
        return
    encoding = {"ucs2": "utf-16-be", "latin1": "latin-1", "ascii": "ascii"}[coding]
    yield from (character.encode(encoding) for character in text)


def fitting(text: str) -> str:
    """The coding a handset would choose."""
    return "gsm7" if all(character in _SEPTETS for character in text) else "ucs2"
