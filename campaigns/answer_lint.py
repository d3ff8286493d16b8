"""Templates that ask for an answer which no carrier would let pass as one.

STOP, CANCEL or END stop all texts to whoever sends them, and YES or START are read as consent: "Reply YES to confirm or
CANCEL to cancel" loses the patient with the appointment. Such a template is refused. Words are those of
`delivery.inbound.words`; wording that offers the opt-out itself ("Reply STOP to opt out", "STOP to cancel") passes.

Conservative: a word counts where somebody is asked to send it, in capitals or in quotes, and only if what is asked
about can be told, or the word could hardly be meant as an opt-out.
"""

import re
from collections.abc import Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.answer_words import ASKING
from campaigns.templating import Problem, ProblemKind
from delivery.inbound import keywords
from delivery.inbound.refusals import without_marks
from delivery.models import Inbound

Keyword = Inbound.Keyword

#: What is a word of everyday before it is one of a carrier: asking for it needs a reason that is consent.
EVERYDAY = frozenset({"cancel", "end", "yes", "quit", "remove"})
#: An answer that every carrier passes on.
DO = _("ask for a number instead, such as 1 or 2")

_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+|\n+|(?<=[。！？])")
_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# A word that is to be sent, as texts set it off.
_SET_OFF = re.compile(r"[\"'“”‘’«»„‚「」]\s*([^\W\d_]{2,20})\s*[\"'“”‘’«»„‚「」]|(?<!\w)([^\W\d_]{2,20})(?!\w)")


def _any(name: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(getattr(each, name) for each in ASKING.values()) + r")\b")


_ASK, _ABOUT, _CONSENT = _any("ask"), _any("about"), _any("consent")


def problems(body: str) -> list[Problem]:
    """One for each word that must not be asked for."""
    text = without_liquid(body)
    found = []
    for start, sentence in _sentences(text):
        for at, word in _asked_for(sentence):
            before = text[: start + at]
            line, column = before.count("\n") + 1, start + at - (before.rfind("\n") + 1) + 1
            found.append(Problem(ProblemKind.RESERVED_ANSWER, _why(word), line, column))
    return found


def without_liquid(body: str) -> str:
    """Variables and tags keep their place and say nothing."""
    return _LIQUID.sub(lambda found: " " * len(found[0]), body)


def _why(word: str) -> str:
    meaning = keywords.recognise(word)
    if meaning == Keyword.START:
        return gettext(
            "'%(word)s' must not be asked for as an answer: carriers read it as consent to texts; %(do)s"
        ) % {"word": word, "do": DO}
    return gettext(
        "'%(word)s' must not be asked for as an answer: carriers stop all texts to whoever sends it; %(do)s"
    ) % {"word": word, "do": DO}


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for gap in _SENTENCE.finditer(text):
        yield start, text[start : gap.start()]
        start = gap.end()
    yield start, text[start:]


def _asked_for(sentence: str) -> Iterator[tuple[int, str]]:
    words = list(_reserved(sentence))
    for number, (at, word) in enumerate(words):
        if not _ASK.search(without_marks(sentence[:at])):
            continue
        end = words[number + 1][0] if number + 1 < len(words) else len(sentence)
        clause = without_marks(sentence[at + len(word) : end])
        if not _CONSENT.search(clause) and (_ABOUT.search(clause) or without_marks(word) in EVERYDAY):
            yield at, word


def _reserved(sentence: str) -> Iterator[tuple[int, str]]:
    for found in _SET_OFF.finditer(sentence):
        quoted, bare = found[1], found[2]
        word = quoted or bare
        if (quoted or word.isupper()) and keywords.recognise(word) in (Keyword.STOP, Keyword.START):
            yield found.start(1 if quoted else 2), word
