"""Sentences that were kept, in the language of whoever reads them now.

What is kept, in the database, in Redis or in a file, is English: workers speak it, and a page that keeps something says
it within `english`. Every such sentence was made of a text of the catalogue. `retold` finds that text again, with the
values that stand in it, and puts them into its translation. What was made of none is shown as it is: a person wrote it,
or the text is no more.

Of the values, names stay, and figures are written as the reader writes them. A value that is a sentence is retold as
well, and so is whatever stands for a name that ends in `words`, as in `%(reason_words)s`.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils import translation

from contacts.wording import figure

#: A text with fewer letters beside its values would be found in what was never made of it.
LETTERS = 6
_PLACE = re.compile(r"%\((\w+)\)[sd]|%%")
#: Where a sentence ends and another begins.
_NEXT = re.compile(r"(?<=[.!?…]) +")
#: What was put behind a text: a code in brackets, a full stop.
_ADDED = re.compile(r"(.+?)((?: \(\w+\))?\.?)", re.DOTALL)
#: As `contacts.wording.figure` writes it in English, grouped or with decimals, perhaps of a currency.
_FIGURE = re.compile(r"(-?(?:\d{1,3}(?:,\d{3})+|\d+(?=\.)))(?:\.(\d+))?( [A-Z]{3})?")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A text with places for values. `anchor` is the longest of what stands between them, `letters` how many do."""

    said: str
    translated: str
    anchor: str
    letters: int


@dataclass(frozen=True, slots=True)
class _Texts:
    plain: dict[str, str]
    patterns: list[_Pattern]
    """Those that say most by themselves first."""


def english() -> AbstractContextManager[None]:
    """What is said within it is to be kept."""
    return translation.override(settings.LANGUAGE_CODE)


def retold(text: str) -> str:
    """In the language that is spoken now: one sentence or several, or words of ours."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return text if language == settings.LANGUAGE_CODE else _retold(text, _texts(language))


def _retold(text: str, texts: _Texts) -> str:
    """All of it, or else as many sentences at once as one text has, and so on with the rest."""
    if (whole := _whole(text, texts)) is not None:
        return whole
    ends = list(_NEXT.finditer(text))
    for end in reversed(ends):
        if (whole := _whole(text[: end.start()], texts)) is not None:
            return f"{whole} {_retold(text[end.end() :], texts)}"
    return text[: ends[0].end()] + _retold(text[ends[0].end() :], texts) if ends else text


def _whole(text: str, texts: _Texts) -> str | None:
    """The translation of the text that all of it was made of; None: there is none such."""
    if text in texts.plain:
        return texts.plain[text]
    if (added := _ADDED.fullmatch(text)) and added[1] in texts.plain:
        return texts.plain[added[1]] + added[2]
    for pattern in texts.patterns:
        if pattern.anchor in text and (found := _reader(pattern.said).fullmatch(text)):
            values = {name: _value(name, value, texts) for name, value in found.groupdict().items()}
            return _filled(pattern.translated, values)
    return None


def _filled(translated: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]) if place[1] else "%", translated)


def _value(name: str, value: str, texts: _Texts) -> str:
    if found := _FIGURE.fullmatch(value):
        whole, decimals, unit = found[1].replace(",", ""), found[2] or "", found[3] or ""
        return figure(Decimal(f"{whole}.{decimals}"), len(decimals)) + unit
    return _retold(value, texts) if name.endswith("words") or value.endswith((".", "!", "?")) else value


@cache
def _reader(said: str) -> re.Pattern[str]:
    """Reads what was made of this text, its values as groups. Only one at the end may be of several sentences."""
    parts, at = [], 0
    names: set[str] = set()
    places = list(_PLACE.finditer(said))
    for place in places:
        name, is_last = place[1], place is places[-1] and not re.search(r"\w", said[place.end() :])
        parts.append(re.escape(said[at : place.start()]))
        if name is None:
            parts.append("%")
        elif name in names:
            parts.append(f"(?P={name})")
        else:
            parts.append(f"(?P<{name}>.*)" if is_last else rf"(?P<{name}>(?:(?![.!?…] ).)*?)")
            names.add(name)
        at = place.end()
    return re.compile("".join([*parts, re.escape(said[at:])]), re.DOTALL)


@cache
def _texts(language: str) -> _Texts:
    plain: dict[str, str] = {}
    patterns = []
    for said, translated in _catalogue(language):
        if "%(" not in said:
            plain[said] = translated
        elif (pattern := _pattern(said, translated)).letters >= LETTERS:
            patterns.append(pattern)
    return _Texts(plain, sorted(patterns, key=lambda pattern: -pattern.letters))


def _pattern(said: str, translated: str) -> _Pattern:
    between = [piece.replace("%%", "%") for piece in re.split(r"%\(\w+\)[sd]", said)]
    return _Pattern(said, translated, max(between, key=len), sum(map(str.isalpha, "".join(between))))


def _catalogue(language: str) -> Iterator[tuple[str, str]]:
    """Every text and what it is in that language; of a plural each form, as far as both have as many."""
    with Path(settings.LOCALE_PATHS[0], language, "LC_MESSAGES", "django.mo").open("rb") as compiled:
        for message in read_mo(compiled):
            if message.id and message.string and not message.context:
                yield from zip(_forms(message.id), _forms(message.string), strict=False)


def _forms(text: str | Iterable[str]) -> Iterable[str]:
    return (text,) if isinstance(text, str) else text
