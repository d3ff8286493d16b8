"""Reconciling: batches of the inbox become status, timeline and tallies, in one transaction a batch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from delivery import clock, horizon, numbers, slowing, vitals
from delivery.errors import Failure
from delivery.providers.base import Slows
from delivery.receipts import parts
from delivery.receipts.evidence import Evidence, apply
from delivery.slowing import Refusal
from delivery.states import Status

BATCH = 2000
#: A receipt that matches no message yet (the answer to our own request may still be on its way) waits this long,
#: doubled each time; after the last try it is dropped, for nothing of ours will ever match it.
FIRST_WAIT_SECONDS = 2
TRIES = 12

_TAKE = """
SELECT id, provider_id, message_id, NULLIF(attempt, 0), provider_message_id, status, reason, code, received_at, tries,
       slows
FROM delivery_inboxreceipt WHERE try_at <= %(now)s ORDER BY try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

# For receipts that do not name their message. The months in which something is open come first, for what is asked by
# a provider's id goes through all that are named: only what is in none of these is looked for in years of others. A
# message of several segments may have gone in parts, with an id and receipts each.
_FIND = """
SELECT asked.id, found.id, found.attempt, found.several
FROM unnest(%(inbox_ids)b::bigint[], %(providers)b::bigint[], %(known_as)b::text[]) AS asked (id, provider_id, known_as)
CROSS JOIN LATERAL (
    SELECT id, attempt, segments > 1 AS several FROM delivery_message
    WHERE provider_id = asked.provider_id AND provider_message_id = asked.known_as AND provider_message_id <> ''
      AND id >= %(floor)s
    UNION ALL
    SELECT message_id, attempt, true FROM delivery_messagepart
    WHERE provider_id = asked.provider_id AND provider_message_id = asked.known_as AND provider_message_id <> ''
      AND message_id >= %(floor)s
    UNION ALL
    SELECT id, attempt, segments > 1 FROM delivery_message
    WHERE provider_id = asked.provider_id AND provider_message_id = asked.known_as AND provider_message_id <> ''
    UNION ALL
    SELECT message_id, attempt, true FROM delivery_messagepart
    WHERE provider_id = asked.provider_id AND provider_message_id = asked.known_as AND provider_message_id <> ''
    UNION ALL
    SELECT message_id, number, true FROM delivery_attempt
    WHERE provider_id = asked.provider_id AND provider_message_id = asked.known_as AND provider_message_id <> ''
    LIMIT 1) AS found
"""

_POSTPONE = """
UPDATE delivery_inboxreceipt SET tries = tries + 1,
    try_at = %(now)s + make_interval(secs => %(first)s * power(2, LEAST(tries, 10)))
WHERE id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    inbox_id: int
    provider_id: int
    message_id: UUID | None
    attempt: int | None
    provider_message_id: str
    status: str
    reason: str
    code: str
    received_at: datetime
    tries: int
    slows: str
    several: bool = False
    """Whether the message may have gone in parts, of which this is about one."""


def reconcile_batch(*, limit: int = BATCH) -> int:
    """Apply up to `limit` receipts. Returns how many were looked at; 0 means that none is due."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, {"now": now, "limit": limit})
        taken = _find([Taken(*row) for row in cursor.fetchall()])
        if not taken:
            return 0
        matched = [receipt for receipt in taken if receipt.message_id is not None]
        unmatched = [receipt for receipt in taken if receipt.message_id is None]
        apply(_evidence_of(matched))
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


def _find(taken: list[Taken]) -> list[Taken]:
    """The same, with their messages as far as the provider's id leads to them."""
    nameless = [receipt for receipt in taken if receipt.message_id is None]
    if not nameless:
        return taken
    values: dict[str, Any] = {
        "inbox_ids": [receipt.inbox_id for receipt in nameless],
        "providers": [receipt.provider_id for receipt in nameless],
        "known_as": [receipt.provider_message_id for receipt in nameless],
        "floor": horizon.floor(),
    }
    # A cursor of psycopg's own, for lists that go over in binary.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_FIND, values)
        found = {inbox_id: row for inbox_id, *row in cursor.fetchall()}
    return [_named(receipt, *found[receipt.inbox_id]) if receipt.inbox_id in found else receipt for receipt in taken]


def _named(receipt: Taken, message_id: UUID, attempt: int, several: bool) -> Taken:
    return replace(receipt, message_id=message_id, attempt=receipt.attempt or attempt, several=several)


def _evidence_of(matched: Sequence[Taken]) -> list[Evidence]:
    """What these say of their messages, those about parts taken together."""
    said = [(receipt.several, _evidence(receipt, receipt.message_id)) for receipt in matched if receipt.message_id]
    plain = [piece for several, piece in said if not several]
    in_parts = [piece for several, piece in said if several]
    return plain + parts.judged(in_parts, also_locked=[piece.message_id for piece in plain])


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
