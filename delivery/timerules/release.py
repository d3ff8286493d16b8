"""Messages that are held: what is due is looked at again and may be claimed, or waits for the next opening.

Set-based, a page at a time. Only of a recipient whose place is not known (a message of another writer's, a contact that
has moved) is the place found here, a page of them with three statements.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from contacts import phone, whereabouts
from delivery.models import Message
from delivery.states import Status, WaitsFor
from delivery.timerules import bound, places
from delivery.timerules.shut import SHUT_UNTIL

# What is due and of no known place stays as it is, and is told.
_RELEASE = f"""
WITH due AS MATERIALIZED (
    SELECT id, recipient, country, place_id IS NULL AND lane = ANY(%(bound)s::smallint[]) AS unplaced
    FROM delivery_message WHERE status = '{Status.HELD}' AND not_before <= statement_timestamp()
    ORDER BY not_before LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), released AS (
    UPDATE delivery_message AS m SET (status, not_before, waits_for, reason, final_at) = (
        SELECT CASE WHEN until IS NULL THEN '{Status.QUEUED}' WHEN m.valid_until <= until THEN '{Status.SUPPRESSED}'
                    ELSE '{Status.HELD}' END,
               until,
               CASE WHEN until > statement_timestamp() THEN '{WaitsFor.QUIET_HOURS}' ELSE '' END,
               CASE WHEN m.valid_until <= until THEN '{WaitsFor.QUIET_HOURS}' ELSE m.reason END,
               CASE WHEN m.valid_until <= until THEN statement_timestamp() END
        FROM (SELECT {SHUT_UNTIL} OFFSET 0) AS shut (until))
    WHERE m.id = ANY(ARRAY(SELECT id FROM due WHERE NOT unplaced))
)
SELECT id, recipient, country, unplaced FROM due
"""

_PLACE = """
UPDATE delivery_message AS m SET place_id = found.place_id
FROM unnest(%(ids)s::uuid[], %(places)s::int[]) AS found (id, place_id) WHERE m.id = found.id
"""

# A window has just closed: whatever waits for it, without a worker having to pick up each of a million rows to see
# that. Bounded by what is queued; best effort, for the claim looks at each row in any case.
_HOLD = f"""
UPDATE delivery_message AS m SET status = '{Status.HELD}', not_before = shut.opens_at,
    waits_for = '{WaitsFor.QUIET_HOURS}'
FROM (SELECT queued.id, place.opens_at FROM delivery_message AS queued
      JOIN delivery_place AS place ON place.id = queued.place_id
      WHERE queued.status = '{Status.QUEUED}' AND queued.lane = ANY(%(bound)s::smallint[])
        AND place.opens_at > statement_timestamp()
        AND (queued.valid_until IS NULL OR queued.valid_until > place.opens_at)
      LIMIT %(limit)s FOR UPDATE OF queued SKIP LOCKED) AS shut
WHERE m.id = shut.id
"""


def release(*, limit: int) -> int:
    """Of what is held and due, a page: it may be claimed, or is held until its next opening. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"bound": _bound(), "limit": limit})
        due = cursor.fetchall()
        _find_places([(pk, recipient, country) for pk, recipient, country, unplaced in due if unplaced])
    return len(due)


def _find_places(messages: Sequence[tuple[UUID, str, str]]) -> None:
    if not messages:
        return
    hints = whereabouts.hints_of([recipient for _, recipient, _ in messages])
    found = {
        pk: whereabouts.find(recipient, country or phone.country(recipient), hints.get(recipient, whereabouts.NO_HINTS))
        for pk, recipient, country in messages
    }
    known = places.known(set(found.values()))
    with connection.cursor() as cursor:
        ids = [known[place].id for place in found.values()]
        cursor.execute(_PLACE, {"ids": list(found), "places": ids})


def hold_shut(*, limit: int = 20_000) -> int:
    """Hold what is queued for places that are shut, a page of it. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"bound": _bound(), "limit": limit})
        return int(cursor.rowcount)


def _bound() -> list[int]:
    return [lane.value for lane in bound.lanes()]


def waiting_until(campaign_id: int, rule: str) -> tuple[datetime | None, datetime | None]:
    """When the first and the last of a campaign's messages that a time rule holds are looked at again."""
    held = Message.objects.filter(campaign_id=campaign_id, status=Status.HELD, waits_for=rule)
    times = held.values_list("not_before", flat=True)
    return times.order_by("not_before").first(), times.order_by("-not_before").first()
