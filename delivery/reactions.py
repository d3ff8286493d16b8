"""What people did about their messages: written in batches, counted by deltas as `delivery.tallies` are.

Whoever knows which message somebody reacted to says so here; a visit that nobody was on the way to make, because it
came in the moment of sending or of delivery, is put down as a machine's. What the test carrier took reached nobody,
and has no reactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, Sum

from delivery.ids import first_id
from delivery.models import TEST_PROVIDER, Reaction, ReactionTally
from delivery.states import ASKABLE, Status, sql_in

Kind = Reaction.Kind

#: Nobody reads a text and follows its link within this of its leaving for the provider, or of its arrival: carriers'
#: and handsets' scanners do.
TOO_SOON = timedelta(seconds=1)
#: A text that comes back later than this after a message is taken for a conversation of its own.
ANSWERED_WITHIN = timedelta(days=7)
#: How much earlier than it was sent a message's id may have been made: a campaign is spread over a month at most.
MADE_BEFORE = timedelta(days=31)
#: Of a number's newest messages, the last one sent is among so many, but for numbers that machines text.
_NEWEST = 20

_ARRIVED = frozenset({Status.DELIVERED, Status.READ})
_MAY_HAVE_ARRIVED = ASKABLE | _ARRIVED | {Status.EXPIRED, Status.FAILED, Status.UNDELIVERED}

# One row of a message is its first of a kind if it is the first of this batch and there was none before; the caller
# holds a lock that keeps another batch of these messages out.
_RECORD = f"""
INSERT INTO delivery_reaction (message_id, source, campaign_id, link_id, kind, reason, at, first)
SELECT message_id, source, campaign_id, link_id, kind, reason, at,
       row_number() OVER (PARTITION BY message_id, kind ORDER BY at, source) = 1 AND NOT EXISTS (
           SELECT 1 FROM delivery_reaction AS before
           WHERE before.message_id = told.message_id AND before.message_id BETWEEN %(lowest)s AND %(highest)s
             AND before.kind = told.kind AND before.first)
FROM (
    SELECT m.id AS message_id, n.source, m.campaign_id, n.link_id, n.at,
           CASE WHEN n.kind = '{Kind.CLICK}' AND (n.reason <> '' OR soon.soon) THEN '{Kind.MACHINE}' ELSE n.kind END
               AS kind,
           CASE WHEN n.reason = '' AND n.kind = '{Kind.CLICK}' AND soon.soon THEN 'too_soon' ELSE n.reason END AS reason
    FROM unnest(%(messages)s::uuid[], %(sources)s::uuid[], %(links)s::bigint[], %(kinds)s::text[], %(reasons)s::text[],
                %(ats)s::timestamptz[]) AS n (message_id, source, link_id, kind, reason, at)
    JOIN delivery_message AS m ON m.id = n.message_id AND m.id BETWEEN %(lowest)s AND %(highest)s
        AND m.provider_id IS DISTINCT FROM {TEST_PROVIDER}
    CROSS JOIN (SELECT make_interval(secs => %(too_soon)s) AS moment) AS within
    CROSS JOIN LATERAL (
        SELECT coalesce(n.at < coalesce(m.sent_at, m.claimed_at) + moment, false)
            OR (m.status IN {sql_in(_ARRIVED)} AND n.at BETWEEN m.final_at - moment AND m.final_at + moment) AS soon
    ) AS soon
) AS told
ON CONFLICT (message_id, source) DO NOTHING
"""

_ANSWERED = f"""
SELECT id FROM (
    SELECT id, status, sent_at FROM delivery_message
    WHERE recipient = %(phone)s AND id >= %(lowest)s AND id < %(highest)s
      AND provider_id IS DISTINCT FROM {TEST_PROVIDER} ORDER BY id DESC LIMIT {_NEWEST}
) AS newest
WHERE status IN {sql_in(_MAY_HAVE_ARRIVED)} AND sent_at BETWEEN %(since)s AND %(at)s
ORDER BY sent_at DESC, id DESC LIMIT 1
"""

_SQUASH = """
WITH crowded AS MATERIALIZED (
    SELECT campaign_id, link_id, kind FROM delivery_reactiontally GROUP BY 1, 2, 3 HAVING count(*) > %(keep)s
), gone AS (
    DELETE FROM delivery_reactiontally WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM delivery_reactiontally WHERE (campaign_id, link_id, kind) IN (TABLE crowded)
        FOR UPDATE SKIP LOCKED))
    RETURNING campaign_id, link_id, kind, people, times
)
INSERT INTO delivery_reactiontally (campaign_id, link_id, kind, people, times)
SELECT campaign_id, link_id, kind, sum(people), sum(times) FROM gone GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody reacted to a message. `reason` says what gave a machine away; empty: nothing did."""

    message_id: UUID
    source: UUID
    kind: Kind
    at: datetime
    link_id: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How often people reacted in one way, by link where it was one, and how many of them."""

    campaign_id: int
    link_id: int
    kind: Kind
    people: int
    times: int


def record(told: Sequence[Told]) -> None:
    """Write them down, in the caller's transaction, which keeps others from doing so for the same messages.

    What is about a message that is not there (any more) is left out. The same `source` twice is one reaction.
    """
    if not told:
        return
    messages = [one.message_id for one in told]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "messages": messages,
                "sources": [one.source for one in told],
                "links": [one.link_id for one in told],
                "kinds": [one.kind.value for one in told],
                "reasons": [one.reason for one in told],
                "ats": [one.at for one in told],
                "lowest": min(messages),
                "highest": max(messages),
                "too_soon": TOO_SOON.total_seconds(),
            },
        )


def heard(*, inbound_id: UUID, phone: str, at: datetime, kind: Kind) -> UUID | None:
    """A text came in: it is put down as a reaction to what was last sent to its number. Returns that message.

    In the transaction that keeps the text. None: nothing was sent there of late.
    """
    values: dict[str, Any] = {
        "phone": phone,
        "at": at,
        "since": at - ANSWERED_WITHIN,
        "lowest": first_id(at, -ANSWERED_WITHIN - MADE_BEFORE),
        "highest": first_id(at, timedelta(minutes=1)),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ANSWERED, values)
        row: tuple[UUID] | None = cursor.fetchone()
        if row is None:
            return None
        # Two texts of one person at once: one of them is the first.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('smshub reaction ' || %s, 0))", [str(row[0])])
        record([Told(row[0], inbound_id, kind, at)])
    return row[0]


def counts(campaign_id: int) -> list[Count]:
    """What a campaign's people did, exact at this commit."""
    return _counts(Q(campaign_id=campaign_id))


def _counts(of: Q) -> list[Count]:
    rows = (
        ReactionTally.objects.filter(of)
        .values("campaign_id", "link_id", "kind")
        .annotate(all_people=Sum("people"), all_times=Sum("times"))
        .order_by("campaign_id", "link_id", "kind")
    )
    return [
        Count(row["campaign_id"], row["link_id"], Kind(row["kind"]), row["all_people"], row["all_times"])
        for row in rows
    ]


def squash(*, keep: int = 20) -> None:
    """Fold deltas together where there are more than `keep` of them. Changes no sum at any commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SQUASH, {"keep": keep})
