"""Whether a marketing text says how to stop such texts. A hint and no refusal: some say it in every other text, as
they may, and a link to preferences cannot be told from any other. What it lacks is offered in its own language.
"""

import re
import unicodedata
from collections import Counter

from django.utils.translation import get_language

from campaigns import languages
from campaigns.answer_lint import without_liquid
from campaigns.models import Campaign
from campaigns.optout_words import SCRIPTS, WORDING
from contacts.models import ConsentEvent
from delivery.inbound import keywords
from delivery.models import Inbound

# A word that is to be sent stands in capitals or in quotes, as texts set it off.
_SET_OFF = re.compile(r"[\"'“”‘’«»„‚「」]\s*([^\W\d_]{2,20})|(?<!\w)([^\W\d_]{2,20})(?!\w)")

_TELLING = {language: frozenset(wording.telling.split()) for language, wording in WORDING.items()}
#: What is said in a language that has no wording here: its word is understood everywhere.
_ANY = "en"


def offers_opt_out(body: str) -> bool:
    """Whether some word that stops texts, in any language, is set off in the text."""
    return any(
        (quoted or bare.isupper()) and keywords.recognise(quoted or bare) == Inbound.Keyword.STOP
        for quoted, bare in _SET_OFF.findall(without_liquid(body))
    )


def lacking(campaign: Campaign, language: str, body: str) -> str:
    """What a text in this language should still say; "" for nothing. For that for everybody (languages.DEFAULT), whose
    language nobody has said, in the one that it seems to be in."""
    if not body.strip() or campaign.purpose != ConsentEvent.Purpose.MARKETING or offers_opt_out(body):
        return ""
    known = language or language_of(body) or get_language() or _ANY
    return WORDING[languages.pick(WORDING, known) or _ANY].sentence


def language_of(body: str) -> str:
    """By its common words, else by its letters; "" where neither tells."""
    text = without_liquid(body)
    words = Counter(re.findall(r"[^\W\d_]+", text.casefold()))
    found = Counter({language: sum(words[word] for word in telling) for language, telling in _TELLING.items()})
    (best, most), (_, second) = found.most_common(2)
    if most > second:
        return best
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    # Chinese characters are Japanese ones too, and kana are only that.
    return next((SCRIPTS[script] for script in SCRIPTS if scripts[script]), "")
