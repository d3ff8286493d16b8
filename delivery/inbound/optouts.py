"""What an incoming text changes about consent, by its keyword and by the sender that it was written to."""

from typing import Any

from contacts import consent
from contacts.models import Suppression
from delivery.models import Inbound, Sender

#: Why a number is suppressed whose owner refused in their own words, until somebody has looked at it.
REFUSED = Suppression.Reason.MANUAL
#: What the person began is theirs to end: staff's own suppression and a bad number are not.
LIFTED_BY_START = (Suppression.Reason.OPTED_OUT,)


def apply(inbound: Inbound, sender: Sender | None) -> bool:
    """Suppress or lift as the text asks for. Returns whether anything changed."""
    evidence = f"inbound text {inbound.pk}"
    phones = [inbound.phone]
    match inbound.keyword:
        case Inbound.Keyword.STOP:
            reason = Suppression.Reason.OPTED_OUT
        case Inbound.Keyword.REFUSAL:
            reason, evidence = REFUSED, f"refused in their own words: {evidence}"
        case Inbound.Keyword.START:
            lifted = consent.lift(
                phones=phones, evidence=evidence, actor=None, reasons=LIFTED_BY_START, **_scope(sender)
            )
            return bool(lifted)
        case _:
            return False
    return bool(consent.suppress(phones=phones, reason=reason, evidence=evidence, actor=None, **_scope(sender)))


def _scope(_: Sender | None) -> dict[str, Any]:
    """For which senders it holds: every one."""
    return {}
