"""Numbers that are not mobiles: which are not texted at all, and which perhaps in vain.

A numbering plan tells what a number is *for*. Premium and shared-cost numbers bill whoever reaches them and are where
money is pumped to; texting one is a mistake or worse. A landline is another matter: some take texts, some countries
(those of +1) do not tell them apart, and the carrier says so soon enough. So by default the first are refused and the
second warned of; `REFUSED_NUMBER_KINDS` says otherwise.
"""

from collections.abc import Iterable

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.phone import Phone, PhoneKind, normalise

_NAMES: dict[PhoneKind, Promise] = {
    PhoneKind.MOBILE: _("a mobile number"),
    PhoneKind.FIXED: _("a landline"),
    PhoneKind.FIXED_OR_MOBILE: _("a landline or a mobile number"),
    PhoneKind.VOIP: _("an internet telephone number"),
    PhoneKind.TOLL_FREE: _("a toll-free number"),
    PhoneKind.PREMIUM: _("a premium-rate number"),
    PhoneKind.SHARED_COST: _("a shared-cost number"),
    PhoneKind.OTHER: _("a number of a special kind"),
}
#: What is hardly ever a handset.
_DOUBTFUL = frozenset({PhoneKind.FIXED, PhoneKind.TOLL_FREE, PhoneKind.PREMIUM, PhoneKind.SHARED_COST})


def refusal(phone: Phone) -> str:
    """Why this number is not texted, as a sentence; empty: it may be."""
    return (
        gettext("This is %(kind)s, and those are not texted.") % {"kind": _NAMES[phone.kind]}
        if phone.kind in refused()
        else ""
    )


def doubt(e164: str) -> str:
    """Why a text to this number may be in vain, as a sentence; empty: nothing speaks against it."""
    kind = normalise(e164, default_country=None).kind
    return gettext("This is %(kind)s: it may not take texts.") % {"kind": _NAMES[kind]} if kind in _DOUBTFUL else ""


def refused() -> frozenset[PhoneKind]:
    return read(settings.REFUSED_NUMBER_KINDS)


def read(names: Iterable[str]) -> frozenset[PhoneKind]:
    """Raises ValueError, whose text names the first that is none."""
    return frozenset(PhoneKind(name) for name in names)
