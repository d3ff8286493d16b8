"""A message in doubt whose provider cannot be asked: what the operator has decided, by lane.

By default such a message is never sent again: a receipt tells what became of it, or it ends as `expired`. For urgent
lanes, where a second text is harmless and none is worse, SEND_AGAIN_IN_DOUBT names seconds after which it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from delivery.errors import Failure
from delivery.lanes import URGENT, Lane
from delivery.providers.base import ProviderKind, Question
from delivery.states import Status

#: Attempts of one message that may follow each other in doubt.
MOST_ATTEMPTS = 3
#: While receipts have been waiting for longer than this, one of them may be about the message.
INBOX_LATE_SECONDS = 5

_INBOX_IS_LATE = "SELECT true FROM delivery_inboxreceipt WHERE try_at < %(before)s ORDER BY try_at LIMIT 1"

# Not if anything that tells is there already: a receipt that waits to be applied, or an id that came meanwhile.
_SEND_AGAIN = f"""
WITH again AS (
    UPDATE delivery_message AS m SET status = '{Status.QUEUED}', attempt = m.attempt + 1, ask_at = NULL
    FROM unnest(%(ids)s::uuid[], %(attempts)s::smallint[]) AS doubt (id, attempt)
    WHERE m.id = doubt.id AND m.attempt = doubt.attempt AND m.status = '{Status.UNCERTAIN}'
      AND m.provider_message_id = '' AND m.attempt < {MOST_ATTEMPTS}
      AND (m.valid_until IS NULL OR m.valid_until > %(now)s)
      AND NOT EXISTS (SELECT 1 FROM delivery_inboxreceipt AS receipt WHERE receipt.message_id = m.id)
    RETURNING m.id, doubt.attempt, m.provider_id, m.claimed_at
), kept AS (
    INSERT INTO delivery_attempt (message_id, number, provider_id, provider_message_id, status, reason, error_code,
                                  claimed_at, ended_at)
    SELECT id, attempt, provider_id, '', '{Status.UNCERTAIN}', '{Failure.NO_RECEIPT}', '', claimed_at, %(now)s
    FROM again
)
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT id, 'in-doubt:' || attempt, %(now)s, 'hub', '{Status.QUEUED}', attempt, '{Failure.NO_RECEIPT}', '',
       'No receipt came and its provider cannot be asked: it is sent again, as is set for its lane.'
FROM again ON CONFLICT (message_id, fingerprint) DO NOTHING
"""


def policy() -> dict[Lane, int]:
    """Seconds from the attempt until a message in doubt is sent again, for the lanes for which that is set."""
    found: dict[Lane, int] = {}
    for name, seconds in settings.SEND_AGAIN_IN_DOUBT.items():
        lane = next((lane for lane in URGENT if lane.name.lower() == name.strip().lower()), None)
        if lane is None or not str(seconds).strip().isdecimal() or int(seconds) <= settings.SEND_TIMEOUT:
            lanes = " or ".join(lane.name.lower() for lane in URGENT)
            raise ImproperlyConfigured(
                f"SEND_AGAIN_IN_DOUBT: “{name}={seconds}” is not {lanes}, and more seconds than SEND_TIMEOUT."
            )
        found[lane] = int(seconds)
    return found


def send_again_after(kind: ProviderKind) -> dict[Lane, int]:
    """The policy as far as it is about providers of that kind: one that can be asked is asked, and nothing else."""
    return {} if kind.can_ask else policy()


def send_again(doubts: Sequence[tuple[Question, Lane]], after: dict[Lane, int], *, now: datetime) -> int:
    """Queue those for another attempt whose time in doubt is over. Returns how many. Must run in a transaction."""
    over = [
        question
        for question, lane in doubts
        if lane in after and now - question.claimed_at >= timedelta(seconds=after[lane])
    ]
    if not over:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INBOX_IS_LATE, {"before": now - timedelta(seconds=INBOX_LATE_SECONDS)})
        if cursor.fetchone():
            return 0
        ids, attempts = [question.message_id for question in over], [question.attempt for question in over]
        cursor.execute(_SEND_AGAIN, {"ids": ids, "attempts": attempts, "now": now})
        return int(cursor.rowcount)
