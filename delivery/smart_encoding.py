"""Typographic characters that make a text UCS-2 for nothing, and their GSM-7 look-alikes.

Word processors and phones put curly quotes, long dashes and no-break spaces into texts; one of them turns 160
characters per segment into 70. The idea and most of the characters are those of Twilio's Smart Encoding
(https://www.twilio.com/docs/messaging/services/smart-encoding-char-list). Letters are never transliterated.

It is all or nothing, as there: a text that stays UCS-2 anyway (an emoji, another script) gains nothing from
it, would grow ("…" is one unit, "..." three), and could change meaning where an invisible joiner matters.
"""

import re
from typing import NamedTuple

from delivery.smpp.gsm7 import is_gsm7

_LOOK_ALIKES = {
    '"': "«»“”„‟″‶ʺˮ❝❞〝〞〟＂",
    "'": "‘’‚‛′‵ʹʻʼʽˈˊˋ´`❛❜＇｀",
    "<": "‹〈＜﹤",
    ">": "›〉＞﹥",
    "-": "‐‑‒–—―⁃−﹘﹣－•",
    "...": "…",
    "..": "‥",
    ".": "․｡．﹒",
    ",": "，﹐",
    ":": "∶：﹕",
    ";": "；﹔",
    "!": "！﹗",
    "!!": "‼",
    "?": "？﹖",
    "??": "⁇",
    "?!": "⁈",
    "!?": "⁉",
    "/": "⁄∕⧸／",
    "\\": "∖⧵＼﹨",
    "|": "∣❘❙｜",
    "*": "⁎∗✱＊﹡",
    "~": "∼˜～",
    "^": "ˆ＾",
    "_": "＿",
    "#": "＃﹟",
    "$": "＄﹩",
    "%": "％﹪",
    "&": "＆﹠",
    "+": "＋﹢",
    "=": "＝﹦",
    "@": "＠﹫",
    "(": "（﹙",
    ")": "）﹚",
    "[": "［",
    "]": "］",
    "{": "｛﹛",
    "}": "｝﹜",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\x0b\x85\u2028\u2029",
    # Soft hyphen, joiners, zero-width spaces, direction marks, variation selectors, byte order mark.
    "": "\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff",
}

GSM7_REPLACEMENTS: dict[str, str] = {char: replacement for replacement, chars in _LOOK_ALIKES.items() for char in chars}

_replaceable = re.compile("[" + re.escape("".join(GSM7_REPLACEMENTS)) + "]")
_table = str.maketrans(GSM7_REPLACEMENTS)


class Change(NamedTuple):
    """One character that would be replaced, its index in the text, and by what ("" removes it)."""

    char: str
    position: int
    replacement: str


def to_gsm(body: str) -> str:
    """The text with look-alikes that let it travel as GSM-7; the same text if they would not be enough."""
    if _replaceable.search(body) is None:
        return body
    replaced = body.translate(_table)
    return replaced if is_gsm7(replaced) else body


def changes(body: str) -> list[Change]:
    """What `to_gsm` replaces in this text, in order."""
    if to_gsm(body) == body:
        return []
    return [Change(match[0], match.start(), GSM7_REPLACEMENTS[match[0]]) for match in _replaceable.finditer(body)]
