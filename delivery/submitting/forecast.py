"""What would become of messages if they were submitted now. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from delivery.submitting import rules
from delivery.submitting.drafts import Draft, SubmitError
from delivery.submitting.rows import Row


@dataclass(frozen=True, slots=True)
class Forecast:
    """Its row; what the text counts, whether it is sent or not; the address and the provider it would leave by."""

    row: Row
    segments: int
    sender: str
    provider: str
    why: str
    """The choice of the sender, in words."""


def forecast(drafts: Sequence[Draft]) -> list[Forecast | SubmitError]:
    """By the rules of `submit`, in order."""
    with transaction.atomic():
        found = [rules.objection(it) or _forecast(it) for it in rules.consider(drafts)]
        # Where recipients are was perhaps written down on the way.
        transaction.set_rollback(True)
    return found


def _forecast(it: rules.Considered) -> Forecast:
    row, draft, route = rules.row(it), it.draft, it.route
    why = "The sender was named."
    if it.ways.routed:
        why = it.ways.explain(draft.recipient, it.country, draft.lane).why
    return Forecast(
        row=row,
        segments=it.size.segments,
        sender=route.sender if route else "",
        provider=route.provider if route else "",
        why=why,
    )
