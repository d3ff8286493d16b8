"""Whether a text is one of the words that stop, start or ask for help, and nothing else.

A word counts alone and in any spelling: capitals, accents, spaces, punctuation, full width and invisible characters
make no difference. The words are data (`delivery.inbound.words`); a hub's own come to them
(`delivery.inbound.own_words`).
"""

import unicodedata

from delivery.inbound.words import LOOKALIKES, SPELLED, WORDS
from delivery.models import Inbound

#: Longer texts are no words, whatever they begin with.
LONGEST_WORD = 60

# A vowel sign or a voicing mark makes another word; an accent does not.
_TELLING_MARKS = (("\u0900", "\u0dff"), ("\u3099", "\u309a"))


def _tells(character: str) -> bool:
    if character.isalnum():
        return True
    return any(low <= character <= high for low, high in _TELLING_MARKS) and unicodedata.category(character)[0] == "M"


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(SPELLED)
    # Digits of every script are those that a phone's keys have.
    return "".join(str(unicodedata.digit(each, each)) for each in unicodedata.normalize("NFKD", decomposed))


def fold(body: str) -> str:
    """A text as a bare word: no case, accents, spaces or punctuation ("Opt-out!" and "OPT OUT" are one).

    Empty for a text that is too long to be a word.
    """
    body = body.strip()
    if len(body) > LONGEST_WORD:
        return ""
    return "".join(filter(_tells, _plain(body)))


def _folded(family: str) -> frozenset[str]:
    return frozenset(fold(word) for words in WORDS.values() for word in getattr(words, family))


STOP, START, HELP = _folded("stop"), _folded("start"), _folded("help")

_KEYWORDS = {
    Inbound.Keyword.STOP: STOP,
    Inbound.Keyword.START: START,
    Inbound.Keyword.HELP: HELP,
}
#: The languages that a word belongs to.
_LANGUAGES: dict[str, set[str]] = {}
for _language, _words in WORDS.items():
    for _word in (*_words.stop, *_words.start, *_words.help):
        _LANGUAGES.setdefault(fold(_word), set()).add(_language)


def recognise(body: str, opt_out_type: str = "") -> Inbound.Keyword:
    """What a text asks for, if it is one of the words and nothing else. The provider's own word on it wins."""
    if opt_out_type.lower() in (Inbound.Keyword.STOP, Inbound.Keyword.START, Inbound.Keyword.HELP):
        return Inbound.Keyword(opt_out_type.lower())
    return meaning_of(fold(body))


def meaning_of(folded: str) -> Inbound.Keyword:
    """The meaning of a word that `fold` has made.

    One that is none is looked at again by its looks: "SТОP" with two Cyrillic letters is read as STOP.
    """
    for word in (folded, folded.translate(LOOKALIKES)):
        for keyword, words in _KEYWORDS.items():
            if word in words:
                return keyword
    return Inbound.Keyword.NONE


def language_of(body: str) -> str:
    """The language of a keyword that only one language has; empty otherwise. That of "arrêt" is "fr"."""
    languages = _LANGUAGES.get(fold(body), set())
    return next(iter(languages)) if len(languages) == 1 else ""
