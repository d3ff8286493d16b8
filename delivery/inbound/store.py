"""Keeping what people write, and honouring it, in one transaction: a STOP that was answered is in force."""

from uuid import UUID

from django.db import transaction

from contacts import consent
from contacts.models import Suppression
from delivery import bodies
from delivery.ids import new_message_id
from delivery.inbound.keywords import recognise
from delivery.models import Inbound
from delivery.providers.base import InboundText
from delivery.signals import text_received


def store(provider_id: int, text: InboundText) -> bool:
    """Keep one inbound text and do what it says about consent. False: we had it already."""
    keyword = recognise(text.body, text.opt_out_type)
    inbound_id = new_message_id()
    with transaction.atomic():
        inbound, created = Inbound.objects.get_or_create(
            provider_id=provider_id,
            provider_message_id=text.provider_message_id,
            defaults={
                "id": inbound_id,
                "phone": text.phone,
                "recipient": text.recipient,
                "sealed_body": _sealed(inbound_id, text.body.replace("\x00", ""), keyword),
                "keyword": keyword,
            },
        )
        if not created:
            return False
        evidence = f"inbound text {inbound.pk}"
        if keyword == Inbound.Keyword.STOP:
            consent.suppress(phones=[text.phone], reason=Suppression.Reason.OPTED_OUT, evidence=evidence, actor=None)
        elif keyword == Inbound.Keyword.START:
            # Only what the person stopped: staff's own suppression and a bad number are not theirs to lift.
            consent.lift(phones=[text.phone], evidence=evidence, actor=None, reasons=consent.THEIR_OWN)
        text_received.send(sender=Inbound, inbound=inbound)
    return True


def _sealed(inbound_id: UUID, body: str, keyword: Inbound.Keyword) -> bytes | None:
    """A stop must hold even where its text cannot be kept. Raises LookupError for any other text."""
    try:
        return bodies.seal(inbound_id, body)
    except LookupError:
        if keyword == Inbound.Keyword.NONE:
            raise
        return None
