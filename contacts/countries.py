"""Countries as people write them."""

from functools import lru_cache

import phonenumbers
from babel import Locale
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contacts.importing.values import country_code
from contacts.importing.words import plain
from contacts.unusable import Unusable


def named(written: str, *, field: str = "country") -> str:
    """Two letters in capitals; "" for none. Raises Unusable about `field`."""
    text = written.strip()
    country = country_code(text) if text else ""
    if country is None:
        raise Unusable(field, _("There is no such country; use its two letters, such as GB or FR."))
    return country


def known_by(name: str) -> str:
    """The two letters of the country of this name in the reader's language; what is none stays as it is."""
    wanted = plain(name)
    return next((code for code, each in choices() if plain(each) == wanted), name)


def choices() -> list[tuple[str, str]]:
    """Every country that numbers may be of: two letters, and its name in the reader's language, by which they stand."""
    return list(_choices(get_language() or "en"))


@lru_cache(maxsize=8)
def _choices(language: str) -> tuple[tuple[str, str], ...]:
    names = Locale.parse(language, sep="-").territories
    known = ((code, names.get(code, code)) for code in phonenumbers.SUPPORTED_REGIONS)
    return tuple(sorted(known, key=lambda country: plain(country[1])))
