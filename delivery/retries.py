"""Trying again after a failure: what, how soon and how often, as data; and the one statement that does it.

Only failures that often pass by themselves are tried again, and only where a late text still helps: a message that
would come after its `valid_until` is not. Bulk is tried again only when it was too fast for the provider; whether an
offer is worth a second text is for staff to decide: `retry_campaign` is their button. Figures follow Twilio's pages
on 30001, 30003, 30008, 30017 and 30022, which advise a pause of minutes for congestion and of hours for a handset
that is off.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from delivery.errors import Failure
from delivery.ids import campaign_range
from delivery.lanes import Lane
from delivery.states import Status, sql_in

_MINUTE, _HOUR = 60, 3600
_TOO_FAST = (_MINUTE, 10 * _MINUTE, _HOUR)


class Differs(StrEnum):
    """What must be another one when a message is tried by another route."""

    SENDER = "sender"
    PROVIDER = "provider"


#: Per lane and failure: seconds from the first failure to the second attempt, from the second to the third, …
RETRY_AFTER: dict[Lane, dict[Failure, tuple[int, ...]]] = {
    Lane.ALERT: {
        Failure.THROTTLED: (5, 15, 60),
        Failure.CARRIER: (5, 30),
        Failure.UNREACHABLE: (30, 2 * _MINUTE),
        Failure.UNKNOWN: (30,),
    },
    Lane.TRANSACTIONAL: {
        Failure.THROTTLED: _TOO_FAST,
        Failure.CARRIER: (_MINUTE, 10 * _MINUTE, _HOUR),
        Failure.UNREACHABLE: (15 * _MINUTE, 2 * _HOUR, 12 * _HOUR),
        Failure.UNKNOWN: (15 * _MINUTE,),
    },
    Lane.REMINDER: {
        Failure.THROTTLED: _TOO_FAST,
        Failure.CARRIER: (10 * _MINUTE, _HOUR),
        Failure.UNREACHABLE: (15 * _MINUTE, 2 * _HOUR),
        Failure.UNKNOWN: (_HOUR,),
    },
    Lane.BULK: {Failure.THROTTLED: _TOO_FAST},
}

#: Attempts that one message may have had when it is tried by another route.
MOST_BY_ANOTHER_ROUTE = 3

#: What staff may try again: what passes by itself, and what they may have set right meanwhile. Not what says that
#: this text, or this sender, is not wanted by this number; and never what may have arrived (`no_receipt`).
BY_HAND = frozenset(
    {
        Failure.UNREACHABLE,
        Failure.CARRIER,
        Failure.THROTTLED,
        Failure.EXPIRED,
        Failure.UNKNOWN,
        Failure.ACCOUNT,
        Failure.SENDER,
        Failure.DESTINATION,
    }
)
#: The route's fault: what was routed is tried again at once by another one, if there is one, in every lane. After a
#: failure that a carrier tells of, only where the table above tries again at all. What must differ, by failure:
BY_ANOTHER_ROUTE: dict[Failure, Differs] = {
    Failure.SENDER: Differs.SENDER,
    Failure.DESTINATION: Differs.PROVIDER,
    Failure.CARRIER: Differs.PROVIDER,
}
FAILED = frozenset({Status.FAILED, Status.UNDELIVERED})
FAILED_OR_LATE = FAILED | {Status.EXPIRED}
#: Attempts that one message may have, whoever asks for them.
MOST_ATTEMPTS = 10

# Spread by up to a quarter, so that what failed together does not come back together.
_RETRY = f"""
WITH policy AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(reasons)s::text[], %(attempts)s::smallint[], %(delays)s::int[])
        AS p (lane, reason, attempt, delay)
), again AS (
    SELECT m.id, m.attempt, m.provider_id, m.provider_message_id, m.status, m.reason, m.error_code, m.claimed_at,
           %(now)s + make_interval(secs => policy.delay * (1 + random() / 4)) AS due
    FROM delivery_message AS m JOIN policy USING (lane, reason, attempt)
    WHERE m.id = ANY(%(ids)s::uuid[]) AND m.status IN {{statuses}}
      AND (m.valid_until IS NULL OR m.valid_until > %(now)s + make_interval(secs => policy.delay * 1.25))
), kept AS (
    INSERT INTO delivery_attempt (message_id, number, provider_id, provider_message_id, status, reason, error_code,
                                  claimed_at, ended_at)
    SELECT id, attempt, provider_id, provider_message_id, status, reason, error_code, claimed_at, %(now)s FROM again
), noted AS (
    INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
    SELECT id, 'retry:' || attempt, %(now)s, 'hub', '{Status.HELD}', attempt + 1, reason, error_code,
           'It will be tried again.'
    FROM again ON CONFLICT (message_id, fingerprint) DO NOTHING
)
UPDATE delivery_message AS m SET
    status = '{Status.HELD}', not_before = again.due, attempt = m.attempt + 1, provider_message_id = '',
    claimed_at = NULL, sent_at = NULL, final_at = NULL, ask_at = NULL
FROM again WHERE m.id = again.id
"""


RETRY_FAILED = _RETRY.format(statuses=sql_in(FAILED))
_RETRY_FAILED_OR_LATE = _RETRY.format(statuses=sql_in(FAILED_OR_LATE))

# A stretch of a campaign's rows, in the order of their ids, which is that of the contacts.
_STRETCH = """
SELECT id, contact_id FROM delivery_message
WHERE id >= %(lowest)s AND id <= %(highest)s AND campaign_id = %(campaign_id)s
ORDER BY id OFFSET %(size)s - 1 LIMIT 1
"""
# Locked before they are judged, in a statement of its own: a receipt that is being applied may say that one arrived.
# Of what was in doubt once, that attempt may still turn up: it is left alone; so is what has no text any more.
_LOCK_STRETCH = f"""
SELECT id FROM delivery_message AS failed
WHERE id >= %(lowest)s AND id <= %(highest)s AND campaign_id = %(campaign_id)s
  AND status IN {sql_in(FAILED_OR_LATE)} AND body IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM delivery_attempt AS earlier
                  WHERE earlier.message_id = failed.id AND earlier.status = '{Status.UNCERTAIN}')
ORDER BY id FOR UPDATE
"""


def _policy(rows: Iterable[tuple[Lane, Failure, int, int]]) -> dict[str, list[Any]]:
    lanes, reasons, attempts, delays = (list(column) for column in zip(*rows, strict=True))
    return {
        "lanes": [lane.value for lane in lanes],
        "reasons": [reason.value for reason in reasons],
        "attempts": attempts,
        "delays": delays,
    }


_POLICY = _policy(
    (lane, failure, attempt, delay)
    for lane, failures in RETRY_AFTER.items()
    for failure, delays in failures.items()
    for attempt, delay in enumerate(delays, start=1)
)
_POLICY_BY_HAND = _policy(
    (lane, failure, attempt, 0) for lane in Lane for failure in sorted(BY_HAND) for attempt in range(1, MOST_ATTEMPTS)
)
POLICY_BY_ROUTE = _policy(
    (lane, failure, attempt, 0)
    for lane in Lane
    for failure in BY_ANOTHER_ROUTE
    for attempt in range(1, MOST_BY_ANOTHER_ROUTE)
)


def retry_failed(ids: Sequence[UUID], *, now: datetime) -> int:
    """Of these messages, hold those for another attempt whose failure the policy calls passing. Returns how many.

    Must run in the transaction that has just written the failure, so that nobody ever sees it as final.
    """
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(RETRY_FAILED, {**_POLICY, "ids": list(ids), "now": now})
        return int(cursor.rowcount)


def retry_campaign(
    campaign_id: int, launched_at: datetime, *, after: int, now: datetime, size: int = 5000
) -> int | None:
    """Look at the next `size` messages of a campaign and try those again, now, that failed for a reason of BY_HAND.

    Goes by contact: `after` is the last one that was looked at, 0 at first. Returns what to go on from, None at the
    end. A batch costs the same wherever it stands. Must run in a transaction.
    """
    rest = campaign_range(launched_at, campaign_id, after_contact=after)
    values: dict[str, Any] = {"campaign_id": campaign_id, "lowest": rest.lowest, "highest": rest.highest, "size": size}
    upto: int | None = None
    with connection.cursor() as cursor:
        cursor.execute(_STRETCH, values)
        if row := cursor.fetchone():
            values["highest"], upto = row
        cursor.execute(_LOCK_STRETCH, values)
        ids = [message_id for (message_id,) in cursor.fetchall()]
        cursor.execute(_RETRY_FAILED_OR_LATE, {**_POLICY_BY_HAND, "ids": ids, "now": now})
    return upto
