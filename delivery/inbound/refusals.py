"""Texts that refuse all others in their own words ("please stop texting me").

A revocation may be made "in any reasonable manner" (47 CFR 64.1200(a)(10)), so it counts as soon as it comes; whether
it was meant is for a person to see, for such a text says more than a word. Patterns are data, by language, and all
languages are looked at: nobody says which one they write in.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from delivery.inbound.refusal_patterns import REFUSALS
from delivery.inbound.words import SPELLED

#: Nobody says it later than this.
_LONGEST = 1000
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def refuses(body: str) -> bool:
    """Whether the writer wants no more texts. Never raises."""
    said, unless = _compiled()
    text = _read(body[:_LONGEST])
    return bool(said.search(text)) and not unless.search(text)


def _read(body: str) -> str:
    return _BETWEEN_WORDS.sub(" ", _APOSTROPHES.sub("", without_marks(body))).strip()


def without_marks(text: str) -> str:
    """Small letters without accents and vowel signs; the rest as it is."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(SPELLED)
    return "".join(
        each for each in unicodedata.normalize("NFKD", decomposed) if not unicodedata.category(each).startswith("M")
    )


@cache
def _compiled() -> tuple[re.Pattern[str], re.Pattern[str]]:
    every = REFUSALS.values()
    said = _any(pattern for each in every for pattern in each.patterns)
    return said, _any(pattern for each in every for pattern in each.unless)


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{without_marks(pattern)})" for pattern in patterns))
