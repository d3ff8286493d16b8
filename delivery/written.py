"""Who was written to, or wrote, since a moment: what keeps a contact that would otherwise be taken away again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from delivery.ids import first_id
from delivery.models import Inbound, Message

#: A campaign's ids are of the moment of its launch, and its audience is written down a little later.
_EARLIER = -timedelta(hours=1)


def among(phones: Sequence[str], *, since: datetime) -> set[str]:
    """Those of some thousand numbers that have a message or a text since then, in two queries."""
    first = first_id(since, _EARLIER)
    sent = Message.objects.filter(recipient__in=phones, id__gte=first).values_list("recipient", flat=True)
    came = Inbound.objects.filter(phone__in=phones, id__gte=first).values_list("phone", flat=True)
    return {*sent.distinct(), *came.distinct()}


def on_leaving(*, phones: Sequence[str], since: datetime, **_: Any) -> set[str]:
    return among(phones, since=since)
