"""Which of a template's texts a contact gets: that in its language, else the one for everybody.

A tag (`pt-BR`) finds its own text, else that of what it belongs to (`pt`): RFC 4647 §3.4, lookup. The same rule stands
here in Python, for rendering, and in SQL, for counting an audience.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from django.utils.translation import gettext

from campaigns import templating
from campaigns.models import TemplateVersion
from contacts.importing.values import language_tag
from delivery.smart_encoding import to_gsm

#: The text for everybody whose language has none.
DEFAULT = ""
#: A tag and a text, and what else somebody has with them.
Row = TypeVar("Row", bound=Sequence[str])
#: As many as a hub has staff to read.
MAX_TRANSLATIONS = 20


def texts(version: TemplateVersion) -> dict[str, str]:
    """All its texts by language, that for everybody first."""
    return {DEFAULT: version.body, **version.translations}


def text(version: TemplateVersion, language: str) -> str:
    """What somebody with this language gets, not yet rendered."""
    if not version.translations:
        return version.body
    return texts(version)[choose(frozenset(version.translations), language)]


def pick(texts: Iterable[str], language: str) -> str:
    """Of texts by language, the one that somebody with this language gets; DEFAULT: the one for everybody."""
    return choose(frozenset(texts) - {DEFAULT}, language)


def render(version: TemplateVersion, language: str, variables: Mapping[str, object]) -> str:
    """What somebody with this language gets. Raises templating.TemplateError."""
    found = templating.render(templating.parse(text(version, language)), variables)
    return to_gsm(found) if version.smart_encoding else found


@lru_cache(maxsize=1024)
def choose(known: frozenset[str], language: str) -> str:
    """The one of these tags that is meant by a contact's language, however that is written; DEFAULT: none."""
    by_key = {tag.lower(): tag for tag in known}
    wanted = language.lower().replace("_", "-")
    while wanted and wanted not in by_key:
        wanted = wanted.rpartition("-")[0]
    return by_key.get(wanted, DEFAULT)


def chosen_sql(column: str, known: str) -> str:
    """`choose` as a SQL expression: of a column, and of a text[] parameter."""
    language = f"replace(lower({column}), '_', '-')"
    return f"""coalesce((SELECT tag FROM unnest({known}::text[]) AS tag
        WHERE {language} = lower(tag) OR starts_with({language}, lower(tag) || '-')
        ORDER BY length(tag) DESC LIMIT 1), '')"""


def readable(rows: Iterable[Row]) -> dict[str, Row]:
    """Of rows that are being written those that somebody would get: by tag, the first of several."""
    found: dict[str, Row] = {}
    for row in rows:
        tag = language_tag(row[0].strip())
        if tag and row[1].strip():
            found.setdefault(tag, row)
    return found


def normalised(translations: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By tags as they are written in BCP 47, without empty texts. Raises ValueError with a sentence."""
    found: dict[str, str] = {}
    for given, body in translations:
        if not body.strip():
            continue
        tag = language_tag(given.strip())
        if tag is None:
            raise ValueError(gettext("“%(given)s” is no language tag: write it like de or pt-BR.") % {"given": given})
        if tag in found:
            raise ValueError(gettext("There are two texts for %(tag)s.") % {"tag": tag})
        found[tag] = body
    if len(found) > MAX_TRANSLATIONS:
        many = gettext("A template may have %(most)s other languages at most.")
        raise ValueError(many % {"most": MAX_TRANSLATIONS})
    return dict(sorted(found.items()))
