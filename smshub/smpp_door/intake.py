"""What the door was given in a moment becomes messages, in one transaction; it is answered for after its commit.

The ids that answers carry: of a text that came whole, its message's; of a part, that with the part's number behind it
(`019a…-2`), so that a system that counts answers and receipts by part finds each of them its own.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from delivery import submissions
from delivery.ids import new_message_id
from delivery.smpp.constants import CommandStatus
from delivery.submissions import Handed
from delivery.submit import BadText, Draft, NoWay, SubmitError, WouldExpire
from delivery.submitting.drafts import Request
from smshub.smpp_door import long_texts
from smshub.smpp_door.reading import Order

_STATUS: dict[type[SubmitError], CommandStatus] = {
    BadText: CommandStatus.ESME_RINVMSGLEN,
    WouldExpire: CommandStatus.ESME_RINVEXPIRY,
    # The operator has switched something off and may switch it on again: the system may come again.
    NoWay: CommandStatus.ESME_RSUBMITFAIL,
}
_id = re.compile(
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:-([0-9]{1,3}))?", re.ASCII
).fullmatch


@dataclass(frozen=True, slots=True)
class Answers:
    """For each order the id that it is answered with, or the status of its refusal; and providers to be woken."""

    results: Sequence[str | CommandStatus]
    wake: frozenset[int]


def take(orders: Sequence[Order]) -> Answers:
    """Take a batch. Raises what a database raises that is away: nothing of it is taken then."""
    whole = [order for order in orders if order.concat is None]
    parts = [(order, order.concat) for order in orders if order.concat is not None]
    with transaction.atomic():
        taken = submissions.take([_handed(order) for order in whole])
        part_ids, woken = long_texts.take(parts) if parts else ([], frozenset[int]())
    ids, numbered = iter(taken.results), iter(part_ids)
    results = [_answer(next(ids)) if order.concat is None else next(numbered) for order in orders]
    return Answers(results, taken.wake | woken)


def message_id_of(written: str) -> UUID | None:
    """The message that an id of ours is about, in whichever case it is repeated; None for one that is not ours."""
    found = _id(written.lower())
    return UUID(found[1]) if found else None


def _answer(result: UUID | SubmitError) -> str | CommandStatus:
    if isinstance(result, UUID):
        return str(result)
    return _STATUS.get(type(result), CommandStatus.ESME_RSUBMITFAIL)


def _handed(order: Order) -> Handed:
    draft = Draft(
        recipient=order.recipient,
        body=order.text,
        lane=order.login.lane,
        sender=order.sender,
        not_before=order.not_before,
        valid_until=order.valid_until,
        request=Request(api_key_id=order.login.use.key_id, is_test=order.login.use.is_test),
        id=new_message_id(),
    )
    said = json.dumps({"source": order.source, "destination": order.destination, "receipt": order.receipt})
    return Handed(
        origin=order.login.id,
        draft=draft,
        wants_word=bool(order.receipt),
        reference=order.reference,
        said=said,
    )
