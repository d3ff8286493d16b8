"""Texts that come back, put down as reactions to what was sent last: how reports know of replies and opt-outs."""

from delivery import reactions
from delivery.models import Inbound, Reaction

_KINDS = {
    Inbound.Keyword.NONE: Reaction.Kind.REPLY,
    Inbound.Keyword.REFUSAL: Reaction.Kind.REPLY,
    Inbound.Keyword.STOP: Reaction.Kind.STOP,
}


def note(inbound: Inbound) -> None:
    """In the transaction that keeps the text. START and HELP are neither a reply nor an opt-out."""
    kind = _KINDS.get(Inbound.Keyword(inbound.keyword))
    if kind is not None:
        reactions.heard(inbound_id=inbound.pk, phone=inbound.phone, at=inbound.received_at, kind=kind)
