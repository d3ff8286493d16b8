"""What an incoming text changes about consent, by its keyword and by the sender that it was written to."""

from django.utils.translation import gettext_noop

from contacts import consent
from contacts.models import Suppression
from delivery.models import Inbound, Sender

#: The evidence that a text is.
TEXTED = gettext_noop("inbound text %(text)s")
_REASONS = {
    Inbound.Keyword.STOP: Suppression.Reason.OPTED_OUT,
    Inbound.Keyword.REFUSAL: Suppression.Reason.REFUSED,
}


def apply(inbound: Inbound, sender: Sender | None) -> bool:
    """Suppress or lift as the text asks for. Returns whether anything changed."""
    phones, evidence = [inbound.phone], TEXTED % {"text": inbound.pk}
    if inbound.keyword == Inbound.Keyword.START:
        # Only what the person stopped: staff's own suppression and a bad number are not theirs to lift.
        scope = sender.address if sender else ""
        return bool(consent.lift(phones=phones, evidence=evidence, actor=None, reasons=consent.THEIR_OWN, scope=scope))
    reason = _REASONS.get(Inbound.Keyword(inbound.keyword))
    if reason is None:
        return False
    return bool(consent.suppress(phones=phones, reason=reason, evidence=evidence, actor=None, scope=scope_of(sender)))


def scope_of(sender: Sender | None) -> str:
    """Which senders a STOP to this one is about, as `contacts.consent` has it: its own texts, or everybody's."""
    return sender.address if sender and sender.opt_out_scope == Sender.OptOutScope.SENDER else ""
