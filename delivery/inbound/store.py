"""Keeping what people write, and honouring it, in one transaction: a STOP that was answered is in force."""

from uuid import UUID

from django.db import connection, transaction

from delivery import bodies, consents
from delivery.ids import new_message_id
from delivery.inbound import confirmations, optouts, ours, own_words
from delivery.inbound.keywords import recognise
from delivery.inbound.refusals import refuses
from delivery.models import Inbound, Sender
from delivery.providers.base import InboundText
from delivery.signals import text_received

# Two texts of one person are read one after the other: each is answered by what the other has changed.
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('smshub inbound ' || %s, 0))"


def store(provider_id: int, text: InboundText) -> bool:
    """Keep one inbound text and do what it says about consent. False: we had it already."""
    inbound_id = new_message_id()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_BY_ONE, [text.phone])
        sender = ours.written_to(provider_id, text.recipient, text.phone)
        keyword = _keyword(text, sender)
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
        changed = optouts.apply(inbound, sender)
        confirmations.answer(inbound, sender, changed=changed, carrier_answered=bool(text.opt_out_type))
        changed |= consents.heard(inbound)
        text_received.send(sender=Inbound, inbound=inbound, consent_changed=changed)
    return True


def _keyword(text: InboundText, sender: Sender | None) -> Inbound.Keyword:
    known = recognise(text.body, text.opt_out_type)
    if known == Inbound.Keyword.NONE:
        known = own_words.recognise(text.body, sender)
    if known == Inbound.Keyword.NONE and refuses(text.body):
        return Inbound.Keyword.REFUSAL
    return known


def _sealed(inbound_id: UUID, body: str, keyword: Inbound.Keyword) -> bytes | None:
    """A stop must hold even where its text cannot be kept. Raises LookupError for any other text."""
    try:
        return bodies.seal(inbound_id, body)
    except LookupError:
        if keyword == Inbound.Keyword.NONE:
            raise
        return None
