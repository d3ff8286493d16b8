"""Keywords that staff have added, for one sender or for all."""

from django.db.models import F, Q
from django.utils.translation import gettext as _

from contacts.unusable import Unusable
from delivery.inbound import keywords
from delivery.models import Inbound, Keyword, Sender


class UnusableWord(Unusable):
    """It is no word that could be honoured."""


def save(keyword: Keyword) -> Keyword:
    """Raises UnusableWord."""
    check(keyword)
    keyword.save()
    return keyword


def check(keyword: Keyword) -> None:
    """Make it ready to be saved. Raises UnusableWord."""
    keyword.folded = keywords.fold(keyword.word)
    if not keyword.folded:
        raise UnusableWord("word", _("It has no letter or digit."))
    if keyword.folded.isdigit():
        raise UnusableWord("word", _("Numbers are what people answer questions with."))
    known = keywords.meaning_of(keyword.folded)
    if known != Inbound.Keyword.NONE:
        raise UnusableWord("word", _("The hub knows it already: it means %(known)s.") % {"known": known.label.lower()})
    same = Keyword.objects.filter(folded=keyword.folded, sender=keyword.sender_id).exclude(pk=keyword.pk)
    if same.exists():
        raise UnusableWord("word", _("There is such a word already."))


def recognise(body: str, sender: Sender | None) -> Inbound.Keyword:
    """The meaning of a text that is one of these words; those of the sender go before those of all."""
    folded = keywords.fold(body)
    if not folded:
        return Inbound.Keyword.NONE
    rows = Keyword.objects.filter(Q(sender=None) | Q(sender=sender), folded=folded)
    meaning = rows.order_by(F("sender").asc(nulls_last=True)).values_list("meaning", flat=True).first()
    return Inbound.Keyword(meaning or "")
