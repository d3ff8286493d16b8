"""Reconciling: batches of the inbox become status, timeline and tallies, in one transaction a batch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from delivery import clock, numbers, slowing, vitals
from delivery.errors import Failure
from delivery.providers.base import Slows
from delivery.receipts.evidence import Evidence, apply
from delivery.slowing import Refusal
from delivery.states import Status

BATCH = 2000
#: A receipt that matches no message yet (the answer to our own request may still be on its way) waits this long,
#: doubled each time; after the last try it is dropped, for nothing of ours will ever match it.
FIRST_WAIT_SECONDS = 2
TRIES = 12

# A receipt names its message itself, by the token of its callback URL, or is found by the provider's id.
_TAKE = """
SELECT inbox.id, COALESCE(inbox.message_id, found.id), COALESCE(NULLIF(inbox.attempt, 0), found.attempt),
       inbox.provider_message_id, inbox.status, inbox.reason, inbox.code, inbox.received_at, inbox.tries,
       inbox.provider_id, inbox.slows
FROM (SELECT * FROM delivery_inboxreceipt WHERE try_at <= %(now)s ORDER BY try_at LIMIT %(limit)s
      FOR UPDATE SKIP LOCKED) AS inbox
LEFT JOIN LATERAL (
    SELECT id, attempt FROM delivery_message
    WHERE inbox.message_id IS NULL AND provider_id = inbox.provider_id
      AND provider_message_id = inbox.provider_message_id AND provider_message_id <> ''
    UNION ALL
    SELECT message_id, number FROM delivery_attempt
    WHERE inbox.message_id IS NULL AND provider_id = inbox.provider_id
      AND provider_message_id = inbox.provider_message_id AND provider_message_id <> ''
    LIMIT 1) AS found ON true
"""

_POSTPONE = """
UPDATE delivery_inboxreceipt SET tries = tries + 1,
    try_at = %(now)s + make_interval(secs => %(first)s * power(2, LEAST(tries, 10)))
WHERE id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    inbox_id: int
    message_id: UUID | None
    attempt: int | None
    provider_message_id: str
    status: str
    reason: str
    code: str
    received_at: datetime
    tries: int
    provider_id: int
    slows: str


def reconcile_batch(*, limit: int = BATCH) -> int:
    """Apply up to `limit` receipts. Returns how many were looked at; 0 means that none is due."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, {"now": now, "limit": limit})
        taken = [Taken(*row) for row in cursor.fetchall()]
        if not taken:
            return 0
        matched = [receipt for receipt in taken if receipt.message_id is not None]
        unmatched = [receipt for receipt in taken if receipt.message_id is None]
        apply([_evidence(receipt, receipt.message_id) for receipt in matched if receipt.message_id])
        waiting = [receipt.inbox_id for receipt in unmatched if receipt.tries < TRIES]
        done = {receipt.inbox_id for receipt in taken}.difference(waiting)
        cursor.execute("DELETE FROM delivery_inboxreceipt WHERE id = ANY(%s)", [list(done)])
        if waiting:
            cursor.execute(_POSTPONE, {"ids": waiting, "now": now, "first": FIRST_WAIT_SECONDS})
        numbers.suppress_refused(
            (receipt.message_id, Failure.OPTED_OUT, receipt.code)
            for receipt in matched
            if receipt.message_id and receipt.reason == Failure.OPTED_OUT
        )
    _slow_down(matched)
    vitals.count("reconcile_batches")
    vitals.count("receipts_reconciled", len(taken))
    return len(taken)


def _slow_down(matched: Sequence[Taken]) -> None:
    """Halve the limits that receipts of this batch say are too high."""
    refusals: defaultdict[int, list[Refusal]] = defaultdict(list)
    for receipt in matched:
        if receipt.slows and receipt.message_id:
            refusals[receipt.provider_id].append(Refusal(receipt.message_id, Slows(receipt.slows), receipt.code))
    for provider_id, about in refusals.items():
        slowing.learn(provider_id, about)


def _evidence(receipt: Taken, message_id: UUID) -> Evidence:
    return Evidence(
        message_id=message_id,
        attempt=receipt.attempt or 1,
        provider_message_id=receipt.provider_message_id,
        status=Status(receipt.status),
        reason=receipt.reason,
        code=receipt.code,
        at=receipt.received_at,
        source="receipt",
    )
