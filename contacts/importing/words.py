"""Words of files as they are compared, and those that mean yes or no."""

import re
import unicodedata

# In the languages that names of columns are known in (`contacts.importing.mapping`), as `plain` writes them; signs as
# they stand.
_YES = """yes|y|true|t|1|x|on|ja|j|wahr|oui|o|vrai|si|s|verdadero|sim|verdadeiro|vero|waar|tak|prawda|evet|dogru|да
    |истина|opted out|opt out|optout|unsubscribed|unsubscribe|stop|stopped|abgemeldet|gesperrt|✓|✔|☑|☒"""
_NO = """no|n|false|f|0|off|nein|falsch|non|faux|falso|nao|onwaar|nee|nie|falsz|hayir|yanlis|нет|ложь
    |none|null|opted in|opt in|optin|subscribed|angemeldet|-|–|—|☐"""
_MEANING = {word.strip(): yes for words, yes in ((_YES, True), (_NO, False)) for word in words.split("|")}


def plain(text: str) -> str:
    """Lower case, no accents, words apart by one space."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", bare.replace("ı", "i").replace("ł", "l")).split())


def is_yes(text: str) -> bool | None:
    """Whether a cell says yes; None if it says neither yes nor no, as an empty one does."""
    return _MEANING.get(plain(text) or text.strip())
