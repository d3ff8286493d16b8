"""What a character that makes a text UCS-2 may be written as instead: a proposal to whoever writes, one by one.

Smart encoding replaces look-alikes by itself, where that is enough. Letters without their marks, and emoji left out,
are a matter of taste and of language: they are only offered.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from delivery.segments import Forcing
from delivery.smart_encoding import GSM7_REPLACEMENTS
from delivery.smpp.gsm7 import is_gsm7

# Letters that Unicode does not take apart.
_LETTERS = dict(zip("łŁđĐıħĦŧŦ", "lLdDihHtT", strict=True)) | {"œ": "oe", "Œ": "OE"}


@dataclass(frozen=True, slots=True)
class Fix:
    """`char`, called `name`, becomes `replacement`; "": it is left out."""

    char: str
    name: str
    replacement: str


def fixes(body: str, forcing: Iterable[Forcing]) -> list[Fix]:
    """One for each of these characters that stands in the template's own text; contacts bring the others."""
    found = {each.char: Fix(each.char, each.name, simpler(each.char)) for each in forcing if each.char in body}
    return list(found.values())


def simpler(char: str) -> str:
    """The nearest that GSM-7 has; "" where nothing is near."""
    known = GSM7_REPLACEMENTS.get(char) or _LETTERS.get(char)
    if known is not None:
        return known
    bare = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return bare if bare and is_gsm7(bare) else ""
