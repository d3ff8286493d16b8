"""Frequency caps in SQL: who has had as many texts as a cap allows, and until when.

What counts is that a text was claimed to be sent: each once, whatever became of it. `delivery_reached` has one row per
number with the times of a month. The claim writes it by an upsert that checks the caps as it locks the row, so that two
workers with two texts for one number never both pass; it costs one small row for each text that a cap is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from delivery.lanes import Lane
from delivery.models import FrequencyCap
from delivery.models.timerules import MOST_HOURS, MOST_MESSAGES

#: Texts of a number that are remembered: as far back as any cap looks, and as many as caps of all lanes count.
_RECENT = f"statement_timestamp() - interval '{MOST_HOURS} hours'"
_MOST_REMEMBERED = MOST_MESSAGES * len(Lane)


def _about(cap: str, place: str, lane: str) -> str:
    """Whether a cap is about a message to a place in a lane."""
    return f"""{cap}.enabled AND ({cap}.lane IS NULL OR {cap}.lane = {lane})
        AND ({cap}.country = '' OR {cap}.country = {place}.country)
        AND ({cap}.state = '' OR {cap}.country || '-' || {cap}.state = ANY({place}.regions))"""


def _used_up(reached: str, place_id: str, lane: str, what: str) -> str:
    """A SELECT of `what` from the caps (c) that a number has used up, each with the text (nth) that makes room by
    growing old, for a message to a place (p) in a lane."""
    return f"""
    SELECT {what} FROM delivery_frequencycap AS c JOIN delivery_place AS p ON p.id = {place_id}
    CROSS JOIN LATERAL (
        SELECT had.at FROM unnest({reached}.times, {reached}.lanes) AS had (at, lane)
        WHERE (c.lane IS NULL OR had.lane = c.lane)
          AND had.at > CASE WHEN c.hours IS NULL THEN p.day_began - interval '1 microsecond'
                            ELSE statement_timestamp() - make_interval(hours => c.hours) END
        ORDER BY had.at DESC OFFSET c.most - 1 LIMIT 1) AS nth
    WHERE {_about("c", "p", lane)}"""


_ROOM_AT = "max(CASE WHEN c.hours IS NULL THEN p.day_ends ELSE nth.at + make_interval(hours => c.hours) END)"
_NOT_SENT = f"bool_or(c.over = '{FrequencyCap.Over.SUPPRESS}')"

# One probe for each: with statistics of yesterday the planner would rather read a table of everybody from end to end.
_HAD = "SELECT times, lanes FROM delivery_reached WHERE recipient = {recipient} LIMIT 1"

#: Further parts of the claim's WITH, after `chosen` (ids): of those that a cap is about and that were not counted yet,
#: one per number is (`asking`), the others wait for the next round; `let` are the numbers that may have one more.
COUNTED = f""", about AS MATERIALIZED (
    SELECT locked.id, locked.recipient, locked.lane, locked.place_id FROM chosen JOIN locked USING (id)
    JOIN delivery_place AS p ON p.id = locked.place_id
    WHERE locked.lane = ANY(%(bound)s::smallint[]) AND NOT locked.counted
      AND p.opens_at <= statement_timestamp() AND p.closes_at > statement_timestamp()
      AND (locked.valid_until IS NULL OR locked.valid_until > statement_timestamp())
      AND EXISTS (SELECT 1 FROM delivery_frequencycap AS c WHERE {_about("c", "p", "locked.lane")})
), asking AS MATERIALIZED (
    SELECT DISTINCT ON (recipient) * FROM about ORDER BY recipient, id
), let AS (
    INSERT INTO delivery_reached AS had (recipient, place_id, last_at, times, lanes)
    SELECT recipient, place_id, statement_timestamp(), ARRAY[statement_timestamp()], ARRAY[lane]::smallint[]
    FROM asking ORDER BY recipient
    ON CONFLICT (recipient) DO UPDATE SET (place_id, last_at, times, lanes) = (
        SELECT excluded.place_id, excluded.last_at, array_agg(at ORDER BY at) || excluded.times,
               array_agg(lane ORDER BY at) || excluded.lanes
        FROM (SELECT * FROM unnest(had.times, had.lanes) AS each (at, lane) WHERE at > {_RECENT}
              ORDER BY at DESC LIMIT {_MOST_REMEMBERED}) AS recent)
    WHERE NOT EXISTS ({_used_up("had", "excluded.place_id", "excluded.lanes[1]", "1")})
    RETURNING recipient
), over AS MATERIALIZED (
    SELECT asking.id, spent.room_at, spent.not_sent FROM asking
    LEFT JOIN LATERAL ({_HAD.format(recipient="asking.recipient")}) AS had ON true
    CROSS JOIN LATERAL ({_used_up("had", "asking.place_id", "asking.lane", f"{_ROOM_AT}, {_NOT_SENT}")})
        AS spent (room_at, not_sent)
    WHERE asking.recipient NOT IN (SELECT recipient FROM let)
)"""

#: Of a message (m): when there is room for it, if a cap stands in its way, and whether it is not to wait for that.
#: A cap that another worker's text has used up meanwhile is not seen here: then it is looked at again in a second.
OVER = """
    (SELECT COALESCE(room_at, statement_timestamp() + interval '1 second') FROM over WHERE over.id = m.id) AS room_at,
    (SELECT not_sent FROM over WHERE over.id = m.id) AS not_sent"""
NEVER_OVER = "NULL::timestamptz AS room_at, false AS not_sent"
IS_COUNTED = "m.id IN (SELECT id FROM asking)"

#: What the claim then takes its rows from.
CHOSEN = "chosen WHERE id NOT IN (SELECT id FROM about) OR id IN (SELECT id FROM asking)"

_FULL = f"""
SELECT asked.recipient, spent.room_at, spent.not_sent
FROM unnest(%(recipients)s::text[], %(places)s::int[]) AS asked (recipient, place_id)
CROSS JOIN LATERAL ({_HAD.format(recipient="asked.recipient")}) AS had
CROSS JOIN LATERAL ({_used_up("had", "asked.place_id", "%(lane)s::smallint", f"{_ROOM_AT}, {_NOT_SENT}")})
    AS spent (room_at, not_sent)
WHERE spent.room_at IS NOT NULL
"""

# Where they are is taken from the last text to them: it is not looked for anew.
_SURVEY = f"""
SELECT count(*) FILTER (WHERE NOT spent.not_sent), min(spent.room_at) FILTER (WHERE NOT spent.not_sent),
       max(spent.room_at) FILTER (WHERE NOT spent.not_sent), count(*) FILTER (WHERE spent.not_sent)
FROM ({{phones}}) AS asked (recipient) JOIN delivery_reached AS had USING (recipient)
JOIN delivery_place AS place ON place.id = had.place_id AND place.opens_at <= statement_timestamp()
CROSS JOIN LATERAL ({_used_up("had", "had.place_id", "%(lane)s::smallint", f"{_ROOM_AT}, {_NOT_SENT}")})
    AS spent (room_at, not_sent)
WHERE spent.room_at IS NOT NULL
"""

# By an index on when they were last texted.
_FORGET = f"""
DELETE FROM delivery_reached WHERE recipient = ANY(ARRAY(
    SELECT recipient FROM delivery_reached WHERE last_at < {_RECENT}
    ORDER BY last_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
"""


class Asked(NamedTuple):
    recipient: str
    place_id: int


@dataclass(frozen=True, slots=True)
class Full:
    """A number that has had as many texts as a cap allows: when there is room for one more, and whether to wait."""

    room_at: datetime
    not_sent: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """Of many numbers, where it is an hour that is allowed: how many wait for a cap, from when until when, and how many
    are not to be sent to at all."""

    waiting: int
    first: datetime | None
    last: datetime | None
    not_sent: int


def any_for(lane: int) -> bool:
    """Whether any cap that is switched on is about this lane."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT true FROM delivery_frequencycap WHERE enabled AND COALESCE(lane, %s) = %s", [lane, lane])
        return cursor.fetchone() is not None


def full(asked: Sequence[Asked], lane: int) -> dict[str, Full]:
    """Of these numbers those that may not have one more at present, in a lane; whatever is queued for them."""
    if not asked:
        return {}
    recipients, places = (list(column) for column in zip(*asked, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_FULL, {"recipients": recipients, "places": places, "lane": lane})
        return {recipient: Full(room_at, not_sent) for recipient, room_at, not_sent in cursor.fetchall()}


def survey(phones: str, parameters: Mapping[str, Any], lane: int) -> Survey:
    """`full`, counted over the numbers that a SELECT of ours with these parameters gives, in one pass."""
    with connection.cursor() as cursor:
        cursor.execute(_SURVEY.format(phones=phones), {**parameters, "lane": lane})
        return Survey(*cursor.fetchone())


def forget(*, limit: int = 5000) -> int:
    """Forget numbers that were not texted for longer than any cap looks back. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"limit": limit})
        return int(cursor.rowcount)
