"""Receipts of parts: what they say of the whole message.

A text that went as several messages of the provider's has a receipt for each. It is delivered when all of them are, and
undelivered or failed when any is, in whatever order they come. A part's status only rises, as a message's does, so that
any order and any repetition of its receipts ends in the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import psycopg
from django.db import connection
from django.utils.translation import gettext_noop

from delivery.receipts.evidence import Evidence
from delivery.settle import LOCK
from delivery.states import CONCLUSIVE, FINAL, RANK, Status, sql_rank

# Once for each message and id, the highest of a batch, for an UPDATE takes any of several rows that match.
_RAISE = f"""
UPDATE delivery_messagepart AS part SET status = e.status, reason = e.reason, code = e.code, at = e.at
FROM unnest(%(ids)b::uuid[], %(provider_ids)b::text[], %(statuses)b::text[], %(reasons)b::text[], %(codes)b::text[],
            %(ats)b::timestamptz[])
    AS e (message_id, provider_message_id, status, reason, code, at)
WHERE part.message_id = e.message_id AND part.provider_message_id = e.provider_message_id
  AND {sql_rank("e.status")} > {sql_rank("part.status")}
"""

_READ = """
SELECT message_id, attempt, place, provider_message_id, status FROM delivery_messagepart
WHERE message_id = ANY(%(ids)b::uuid[]) ORDER BY message_id, attempt, place
"""


_RANK = RANK.__getitem__


class Part(NamedTuple):
    message_id: UUID
    attempt: int
    place: int
    provider_message_id: str
    status: str


def judged(evidence: Sequence[Evidence], also_locked: Sequence[UUID] = ()) -> list[Evidence]:
    """Note what is said of parts, and return what follows for their messages; what is of no part is returned as it is.

    Must run in a transaction. Locks the messages, and those that are going to be locked with them, for of two batches
    that have a part each the later one must see what the other wrote.
    """
    if not evidence:
        return []
    ids = sorted({piece.message_id for piece in evidence})
    by_id = sorted(evidence, key=lambda piece: (piece.message_id, piece.provider_message_id, RANK[piece.status]))
    highest = [
        max(pieces, key=lambda piece: RANK[piece.status])
        for _, pieces in groupby(by_id, key=lambda piece: (piece.message_id, piece.provider_message_id))
    ]
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(LOCK, {"ids": [*ids, *also_locked]})
        cursor.execute(
            _RAISE,
            {
                "ids": [piece.message_id for piece in highest],
                "provider_ids": [piece.provider_message_id for piece in highest],
                "statuses": [piece.status.value for piece in highest],
                "reasons": [piece.reason for piece in highest],
                "codes": [piece.code for piece in highest],
                "ats": [piece.at for piece in highest],
            },
        )
        cursor.execute(_READ, {"ids": ids})
        rows = [Part(*row) for row in cursor.fetchall()]
    attempts: defaultdict[tuple[UUID, int], list[Part]] = defaultdict(list)
    for part in rows:
        attempts[part.message_id, part.attempt].append(part)
    of_part = {(part.message_id, part.provider_message_id): part.attempt for part in rows if part.provider_message_id}
    return [
        _of_whole(piece, attempts[piece.message_id, of_part[piece.message_id, piece.provider_message_id]])
        if (piece.message_id, piece.provider_message_id) in of_part
        else piece
        for piece in evidence
    ]


def _of_whole(piece: Evidence, parts: Sequence[Part]) -> Evidence:
    """What a receipt of one of these parts, the present ones of an attempt, says of the message.

    A failure says so whatever else came of that part, unless all have arrived: so it makes no difference when it comes.
    """
    whole = replace(piece, attempt=parts[0].attempt, provider_message_id=parts[0].provider_message_id, partial=True)
    if all(part.status in CONCLUSIVE for part in parts):
        return replace(whole, status=min((Status(part.status) for part in parts), key=_RANK), reason="", code="")
    if piece.status in FINAL - CONCLUSIVE:
        place = next(part.place for part in parts if part.provider_message_id == piece.provider_message_id)
        return replace(whole, detail=gettext_noop("Part %(part)s of %(parts)s.") % {"part": place, "parts": len(parts)})
    handed_on = any(RANK[Status(part.status)] >= RANK[Status.SENT] for part in parts)
    return replace(whole, status=Status.SENT if handed_on else Status.ACCEPTED, reason="", code="")
