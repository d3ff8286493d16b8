"""Applying evidence: what receipts, and answers to our questions, do to messages. The one place that does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from delivery import clock, retries
from delivery.routing import elsewhere, health, rules
from delivery.settle import LOCK
from delivery.states import ASKABLE, CONCLUSIVE, FINAL, RANK, Status, sql_applies, sql_in


@dataclass(frozen=True, slots=True)
class Evidence:
    """One word on what became of one attempt of one message."""

    message_id: UUID
    attempt: int
    provider_message_id: str
    status: Status
    reason: str
    code: str
    at: datetime
    source: str
    detail: str = ""
    partial: bool = False
    """It speaks of one of several parts, of which others may have arrived: a failure is not tried again."""

    @property
    def fingerprint(self) -> str:
        """The same receipt, however often it comes, has the same one."""
        return f"{self.source}:{self.attempt}:{self.status}:{self.code}"


_NOTE = """
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT * FROM (
    SELECT id, fingerprint, at, source, status, attempt, reason, code, detail
    FROM unnest(%(ids)b::uuid[], %(fingerprints)b::text[], %(ats)b::timestamptz[], %(sources)b::text[],
                %(statuses)b::text[], %(attempts)b::smallint[], %(reasons)b::text[], %(codes)b::text[],
                %(details)b::text[])
        AS e (id, fingerprint, at, source, status, attempt, reason, code, detail)
) AS noted
WHERE EXISTS (SELECT 1 FROM delivery_message WHERE delivery_message.id = noted.id)
ON CONFLICT (message_id, fingerprint) DO NOTHING
"""

_APPLY = f"""
UPDATE delivery_message AS m SET
    status = e.status, reason = e.reason, error_code = e.code,
    provider_message_id = CASE WHEN e.provider_message_id = '' THEN m.provider_message_id
                               ELSE e.provider_message_id END,
    sent_at = COALESCE(m.sent_at, e.at),
    final_at = CASE WHEN e.status IN {sql_in(FINAL)} THEN e.at END,
    ask_at = CASE WHEN e.status IN {sql_in(ASKABLE)} THEN %(ask_at)s END,
    lease_until = NULL, not_before = NULL
FROM unnest(%(ids)b::uuid[], %(attempts)b::smallint[], %(provider_ids)b::text[], %(statuses)b::text[],
            %(reasons)b::text[], %(codes)b::text[], %(ats)b::timestamptz[])
    AS e (id, attempt, provider_message_id, status, reason, code, at)
WHERE m.id = e.id AND {sql_applies("m", "e")}
RETURNING m.id, m.status, m.claimed_at
"""

_FAILURES = (Status.FAILED, Status.UNDELIVERED)


def _is_news(piece: Evidence) -> bool:
    return RANK[piece.status] > RANK[Status.ACCEPTED]


def _speaks_against(piece: Evidence) -> bool:
    return piece.status in _FAILURES and piece.reason in rules.PROVIDERS_FAULT


def fold(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The one piece per message that decides: conclusive before all else, then the latest attempt's highest."""

    def weight(piece: Evidence) -> tuple[bool, int, int]:
        return piece.status in CONCLUSIVE, piece.attempt, RANK[piece.status]

    ordered = sorted(evidence, key=lambda piece: piece.message_id)
    return [max(pieces, key=weight) for _, pieces in groupby(ordered, key=lambda piece: piece.message_id)]


def apply(evidence: Sequence[Evidence]) -> None:
    """Note every distinct piece in the timelines and raise the messages that it raises.

    A failure that the policy calls passing is not the end: the message is held for another attempt.

    Must run in a transaction. In whatever order and however often evidence is applied, the same set of it ends in
    the same statuses.
    """
    if not evidence:
        return
    now = clock.now()
    best = fold(evidence)
    # A cursor of psycopg's own: Django's writes parameters into the statement, which for lists of thousands is slow.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(LOCK, {"ids": [piece.message_id for piece in best]})
        cursor.execute(
            _NOTE,
            {
                "ids": [piece.message_id for piece in evidence],
                "fingerprints": [piece.fingerprint for piece in evidence],
                "ats": [piece.at for piece in evidence],
                "sources": [piece.source for piece in evidence],
                "statuses": [piece.status.value for piece in evidence],
                "attempts": [piece.attempt for piece in evidence],
                "reasons": [piece.reason for piece in evidence],
                "codes": [piece.code for piece in evidence],
                "details": [piece.detail for piece in evidence],
            },
        )
        if receipts := [piece for piece in best if piece.source == "receipt" and _is_news(piece)]:
            cursor.execute(
                health.HEARD,
                {
                    "ids": [piece.message_id for piece in receipts],
                    "attempts": [piece.attempt for piece in receipts],
                    "ats": [piece.at for piece in receipts],
                    "failed": [_speaks_against(piece) for piece in receipts],
                    "late": settings.HEALTH_RECEIPT_LATE_SECONDS,
                },
            )
        cursor.execute(
            _APPLY,
            {
                "ids": [piece.message_id for piece in best],
                "attempts": [piece.attempt for piece in best],
                "provider_ids": [piece.provider_message_id for piece in best],
                "statuses": [piece.status.value for piece in best],
                "reasons": [piece.reason for piece in best],
                "codes": [piece.code for piece in best],
                "ats": [piece.at for piece in best],
                "ask_at": now + timedelta(seconds=settings.ASK_AFTER_SECONDS),
            },
        )
        # What was given up is closed, and so may its campaign be: news of its failure does not open it again.
        given_up = now - timedelta(seconds=settings.GIVE_UP_AFTER_SECONDS)
        partial = {piece.message_id for piece in best if piece.partial}
        failed = [
            message_id
            for message_id, status, claimed_at in cursor.fetchall()
            if status in _FAILURES and (claimed_at is None or claimed_at > given_up) and message_id not in partial
        ]
    retries.retry_failed(failed, now=now)
    if failed:
        elsewhere.retry_failed(failed)
