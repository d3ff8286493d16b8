"""How many SMS segments a text takes, in which encoding, and where it is cut.

A text whose every character is in the GSM 7-bit default alphabet or its extension table (3GPP TS 23.038
§6.2.1 and §6.2.1.1) is sent as septets: 160 in a single message, 153 in each part of a longer one. One other
character makes the whole text UCS-2: 70 UTF-16 units, or 67 in each part. The difference is the 6-octet
header that numbers the parts of a concatenated message (3GPP TS 23.040 §9.2.3.24.1), out of 140 octets.

An extension character costs two septets, and a character outside the Basic Multilingual Plane two units. No
part boundary may cut such a pair, so parts are packed, not divided: a part may end one unit short.

>>> measure("Your table is ready").segments
1
>>> measure("Your table is ready ☕").encoding
'ucs2'
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from delivery.smpp.gsm7 import ESCAPE, GSM_ALPHABET, GSM_EXTENSION, escaped, is_gsm7

Encoding = Literal["gsm7", "ucs2"]

SINGLE_LIMIT: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}
PART_LIMIT: dict[Encoding, int] = {"gsm7": 153, "ucs2": 67}

MAX_FORCING = 20

_BASIC = re.escape(GSM_ALPHABET.replace(ESCAPE, ""))
_EXTENDED = re.escape("".join(GSM_EXTENSION))
_outside_alphabet = re.compile(f"[^{_BASIC}]").search
_outside_gsm = re.compile(f"[^{_BASIC}{_EXTENDED}]")
_astral = re.compile("[\U00010000-\U0010ffff]")

_UNNAMED = {"\t": "tab", ESCAPE: "escape", "\x00": "null", "\x7f": "delete"}


class Forcing(NamedTuple):
    """A character that GSM-7 cannot carry, and its index in the text."""

    char: str
    position: int

    @property
    def name(self) -> str:
        """What to call the character in front of a person: "right single quotation mark (U+2019)"."""
        name = unicodedata.name(self.char, "").lower() or _UNNAMED.get(self.char, "unnamed character")
        return f"{name} (U+{ord(self.char):04X})"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What a text costs on the air.

    `units` are septets (gsm7) or UTF-16 units (ucs2). `per_segment` is the limit in force: the single-message
    one, or that of a part. `remaining` units are free in the last segment. `forcing` holds the first
    MAX_FORCING characters that made it ucs2.
    """

    encoding: Encoding
    segments: int
    units: int
    per_segment: int
    remaining: int
    forcing: tuple[Forcing, ...] = ()


def measure(body: str) -> Segmentation:
    """Count the segments of a text as it will be sent (rendered, for one recipient).

    An empty text has 0 segments: there is nothing to send, and providers refuse it.
    """
    if len(body) <= 160 and _outside_alphabet(body) is None:
        units = len(body)
        return Segmentation("gsm7", 1 if units else 0, units, 160, 160 - units)

    encoding, coded = _code(body)
    units, limit = len(coded), SINGLE_LIMIT[encoding]
    segments, last = 1, units
    if units > limit:
        limit = PART_LIMIT[encoding]
        cuts = _cuts(coded, limit)
        segments, last = len(cuts), units - cuts[-1]
    forcing = tuple(_forcing(body)) if encoding == "ucs2" else ()
    return Segmentation(encoding, segments, units, limit, limit - last, forcing)


def split(body: str) -> list[str]:
    """Cut a text into the parts that `measure` counted; joined, they are the text again.

    No part boundary falls inside an escape pair or a surrogate pair.
    """
    if not body:
        return []
    encoding, coded = _code(body)
    if len(coded) <= SINGLE_LIMIT[encoding]:
        return [body]
    cuts = _cuts(coded, PART_LIMIT[encoding])
    parts = [coded[start:end] for start, end in zip(cuts, [*cuts[1:], len(coded)], strict=True)]
    if encoding == "gsm7":
        return [part.replace(ESCAPE, "") for part in parts]
    return [part.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") for part in parts]


def _code(body: str) -> tuple[Encoding, str]:
    """The text as a string of one character per unit: pairs begin with ESCAPE or with a high surrogate."""
    if is_gsm7(body):
        return "gsm7", escaped(body)
    return "ucs2", _astral.sub(_surrogates, body)


def _surrogates(match: re.Match[str]) -> str:
    offset = ord(match[0]) - 0x10000
    return chr(0xD800 + (offset >> 10)) + chr(0xDC00 + (offset & 0x3FF))


def _cuts(coded: str, limit: int) -> list[int]:
    """Where each part begins."""
    cuts, end = [0], limit
    while end < len(coded):
        if coded[end - 1] == ESCAPE or "\ud800" <= coded[end - 1] <= "\udbff":
            end -= 1
        cuts.append(end)
        end += limit
    return cuts


def _forcing(body: str) -> list[Forcing]:
    return [Forcing(match[0], match.start()) for match in islice(_outside_gsm.finditer(body), MAX_FORCING)]
