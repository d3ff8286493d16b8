"""Words by which people stop, start and ask for help. Data: the union of what carriers and providers honour.

Sources: Twilio's default and advanced opt-out words, AWS End User Messaging, the FCC's rule of 11 April 2025 (47 CFR
64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe), and the words used in French, Spanish and
Portuguese.
"""

import unicodedata

from delivery.models import Inbound

STOP = frozenset(
    [
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "revoke",
        "optout",
        "remove",
        "td",
        "arret",
        "arrete",
        "baja",
        "parar",
    ]
)
START = frozenset(["start", "unstop", "yes", "alta", "comecar", "demarrer"])
HELP = frozenset(["help", "info", "aide", "ayuda", "ajuda"])

_KEYWORDS = {
    Inbound.Keyword.STOP: STOP,
    Inbound.Keyword.START: START,
    Inbound.Keyword.HELP: HELP,
}


def fold(body: str) -> str:
    """A text as a bare word: no case, accents, spaces or punctuation ("Opt-out!" and "OPT OUT" are one)."""
    decomposed = unicodedata.normalize("NFKD", body[:200]).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def recognise(body: str, opt_out_type: str = "") -> Inbound.Keyword:
    """What a text asks for, if it is one of the words and nothing else. The provider's own word on it wins."""
    if opt_out_type.lower() in (Inbound.Keyword.STOP, Inbound.Keyword.START, Inbound.Keyword.HELP):
        return Inbound.Keyword(opt_out_type.lower())
    word = fold(body)
    for keyword, words in _KEYWORDS.items():
        if word in words:
            return keyword
    return Inbound.Keyword.NONE
