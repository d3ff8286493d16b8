"""What delivery and contacts announce, as events."""

from collections.abc import Sequence
from typing import Any

from delivery import clock
from delivery.models import Inbound
from delivery.webhooks import outbox
from delivery.webhooks.outbox import Fact


def text_received(inbound: Inbound, **_: Any) -> None:
    """Without the text: that is sealed where it is, and read when it is told."""
    data = {
        "id": str(inbound.pk),
        "from": inbound.phone,
        "to": inbound.recipient,
        "body": None,
        "keyword": inbound.keyword,
    }
    outbox.emit("inbound.received", inbound.pk, data, inbound.received_at)


def suppression_changed(
    phones: Sequence[str], suppressed: bool, reason: str = "", scope: str = "", evidence: str = "", **_: Any
) -> None:
    name = "contact.opted_out" if suppressed else "contact.opted_in"
    if not (phones and outbox.is_wanted(name)):
        return
    shared = {"reason": reason, "scope": scope, "evidence": evidence}
    facts = [Fact(outbox.subject_of("number", phone), {"phone": phone, **shared}) for phone in phones]
    outbox.emit_many(name, facts, clock.now())
