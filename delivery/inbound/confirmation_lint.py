"""What a confirmation must not hold: marketing, in any of the ways it is usually written, or a way around the STOP.

A refusal may be confirmed once and without marketing (47 CFR 64.1200(a)(12)). Judged by what sells everywhere: prices,
per cent, links, and the words for offers in the larger languages.
"""

import re

from django.utils.translation import gettext as _

from delivery.inbound.refusals import without_marks
from delivery.models import ConfirmationText
from delivery.models.keywords import Meaning

_LINK = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(com|org|net|io|co|ly|me|shop|store|info|eu|us|uk|de|fr|es)\b(?!@)")
_PRICE = re.compile(r"[$€£¥₹₽]\s*\d|\d\s*[$€£¥₹₽%]|%\s*\d")
_SELLS = re.compile(
    r"\b(offers?|sale|discounts?|deals?|coupons?|vouchers?|promo\w*|buy|order now|shop now|free|save \d|win|prize"
    r"|oferta\w*|descuento\w*|gratis|compra\w*|rebaja\w*|offre\w*|remise\w*|solde\w*|gratuit\w*|achetez"
    r"|desconto\w*|promocao|angebot\w*|rabatt\w*|gutschein\w*|kostenlos\w*|kaufen|sconto|sconti|offert[ae]"
    r"|korting\w*|aanbieding\w*|rabat\w*|promocj\w*|tilbud|erbjudande\w*|скидк\w*|акци[яию]|купить|знижк\w*)\b"
    r"|优惠|折扣|促销|割引|セール|할인"
)


def problems(text: ConfirmationText) -> list[str]:
    """Why it cannot be used, each a sentence; none: it can."""
    read = without_marks(text.body)
    found = []
    if not text.body.strip():
        found.append(_("The text is empty."))
    if _PRICE.search(read) or _SELLS.search(read):
        found.append(_("A confirmation must not advertise: leave out offers, prices and discounts."))
    if _LINK.search(read) and text.meaning != Meaning.HELP:
        found.append(_("Only the answer to HELP may have a link."))
    if "{{" in text.body or "{%" in text.body:
        found.append(_("It is sent as it is: variables are not filled in."))
    return found
