"""Messages of their own into the queue: the ways in for the API, for the doors, and for whatever sends to persons.

What becomes of a message is decided by `delivery.submitting.rules`, whichever way it comes.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from delivery import bodies, wake
from delivery.errors import Suppressed
from delivery.ids import month_of_id
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.routing.routes import as_sender
from delivery.states import UNCLAIMED, Status
from delivery.submitting import requests, rows, rules
from delivery.submitting.drafts import MAX_BODY, BadText, Draft, NoWay, SubmitError, WouldExpire
from delivery.submitting.rows import Row, write

__all__ = [
    "MAX_BODY",
    "BadText",
    "Draft",
    "NoWay",
    "Row",
    "SubmitError",
    "WouldExpire",
    "cancel",
    "closed",
    "prepare",
    "prepare_whatever_consent",
    "queue",
    "submit",
    "submit_draft",
    "submit_each",
    "to_wake",
    "wake_all",
    "write",
    "write_requests",
]


def submit(
    *,
    recipient: str,
    body: str,
    lane: Lane = Lane.TRANSACTIONAL,
    sender: Sender | None = None,
    not_before: datetime | None = None,
    valid_until: datetime | None = None,
    contact_id: int | None = None,
) -> Message:
    """Queue one text to one E.164 number.

    A suppressed recipient gets a row as well, `suppressed` with its reason, so that the sender learns the fate of
    what it asked for. In a lane that time rules are about it may be `held` until the recipient's next allowed hour.
    Raises SubmitError.
    """
    return submit_draft(Draft(recipient, body, lane, sender, not_before, valid_until, contact_id))


def submit_draft(draft: Draft) -> Message:
    """As `submit`."""
    # Raises LookupError before anything has begun: what is caught here a caller's transaction would have to undo, or
    # have a savepoint, which is two more ways to the database.
    bodies.sealer(month_of_id(draft.id))
    with transaction.atomic(savepoint=False):
        (it,) = rules.consider([draft])
        (queued,) = _write([it])
    if isinstance(queued, SubmitError):
        raise queued
    message = rows.as_message(queued)
    if it.route and message.sender_id:
        message.sender = draft.sender or as_sender(it.route)
    if draft.request:
        requests.attach(message, draft.request)
    return message


def submit_each(drafts: Sequence[Draft]) -> list[Row | SubmitError]:
    """Queue those that can be, in the caller's transaction; of each what became of it, in order.

    By the rules of `submit`; the number of statements does not depend on how many they are. Meant for a thousand or so.
    """
    return _write(rules.consider(drafts))


def write_requests(drafts: Sequence[Draft], *, written: Set[UUID]) -> None:
    """What is known of those who asked for these messages, as far as they were written in this transaction."""
    requests.write({draft.id: draft.request for draft in drafts if draft.request and draft.id in written})


def prepare(drafts: Sequence[Draft]) -> list[Row | SubmitError]:
    """The row of each, not written yet, or why it cannot be queued; in a handful of queries.

    Must run in the transaction that writes them (`write`): consent is what it is at this moment.
    """
    return _decide(rules.consider(drafts))


def prepare_whatever_consent(draft: Draft) -> Row:
    """The row of a draft, not written yet, by the rules of `submit` but for consent.

    No way around a suppression: the claim looks at consent again, and lets nothing pass but what
    `delivery.inbound.exemption` is about. Raises SubmitError.
    """
    (it,) = rules.consider([draft])
    if objection := rules.objection(it):
        raise objection
    return rules.row(replace(it, stopped=""))


def queue(drafts: Sequence[Draft]) -> dict[UUID, Row]:
    """Queue them for somebody who has nobody to tell, in the caller's transaction: each gets a row, whatever is wrong.

    Returns the rows that were written; one that was there already is left out. Meant for a thousand or so. Raises
    LookupError when an id's month is not open.
    """
    decided = [rules.row(it) for it in rules.consider(drafts)]
    written = write(decided)
    queued = {row.id: row for row in decided if row.id in written}
    wake_all(queued.values())
    return queued


def closed(drafts: Sequence[Draft], reason: Suppressed) -> list[Row]:
    """The rows, not written yet, of messages that will never be sent."""
    return [rules.row(it, closed=reason) for it in rules.consider(drafts)]


def to_wake(written: Iterable[Row]) -> set[int]:
    """Providers that have something to send."""
    return {row.provider_id for row in written if row.status == Status.QUEUED and row.provider_id}


def wake_all(written: Iterable[Row]) -> None:
    """Wake them when the transaction is committed."""
    for provider_id in to_wake(written):
        transaction.on_commit(partial(wake.dispatch, provider_id))


def cancel(*, message_id: UUID) -> bool:
    """Cancel a message that nobody has claimed yet. False: it was too late, or it was final already."""
    cancelled = Message.objects.filter(pk=message_id, status__in=UNCLAIMED).update(
        status=Status.CANCELLED, final_at=timezone.now()
    )
    return bool(cancelled)


def _decide(considered: Sequence[rules.Considered]) -> list[Row | SubmitError]:
    return [rules.objection(it) or rules.row(it) for it in considered]


def _write(considered: Sequence[rules.Considered]) -> list[Row | SubmitError]:
    decided = _decide(considered)
    good = [row for row in decided if not isinstance(row, SubmitError)]
    write(good)
    write_requests([it.draft for it in considered], written={row.id for row in good})
    wake_all(good)
    return decided
