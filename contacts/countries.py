"""Countries as people write them."""

from django.utils.translation import gettext as _

from contacts.importing.values import country_code
from contacts.unusable import Unusable


def named(written: str, *, field: str = "country") -> str:
    """Two letters in capitals; "" for none. Raises Unusable about `field`."""
    text = written.strip()
    country = country_code(text) if text else ""
    if country is None:
        raise Unusable(field, _("There is no such country; use its two letters, such as GB or FR."))
    return country
