"""Many messages of their own into the queue at once, each with an id that its sender made: a door for whatever sends
to many and is no campaign.

Everything is read once for all of them (suppressions, routes, prices, the keys of months) and written by one INSERT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, transaction

from contacts import consent, phone
from delivery import bodies, clock, wake
from delivery.errors import Suppressed
from delivery.ids import month_of_id
from delivery.lanes import Lane
from delivery.models import Sender
from delivery.prices import FREE
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.segments import measure
from delivery.states import Status
from delivery.submit import MAX_BODY, in_time
from delivery.timerules.arrival import Arrival, arrivals_by_lane


@dataclass(frozen=True, slots=True)
class Text:
    """One text to one E.164 number. `id` is what it can be submitted under once, whoever tries again."""

    id: UUID
    recipient: str
    body: str
    contact_id: int | None = None
    lane: Lane = Lane.TRANSACTIONAL
    sender_id: int | None = None
    not_before: datetime | None = None
    valid_until: datetime | None = None


class Fate(NamedTuple):
    status: Status
    reason: str = ""


class _Row(NamedTuple):
    """In the order of _INSERT's columns."""

    id: UUID
    contact_id: int | None
    provider_id: int | None
    sender_id: int | None
    routed: bool
    recipient: str
    country: str
    body: bytes
    encoding: str
    segments: int
    cost: Decimal
    lane: int
    status: str
    reason: str
    not_before: datetime | None
    valid_until: datetime | None
    place_id: int | None
    waits_for: str


_COLUMNS = ", ".join(_Row._fields)
_TYPES = (
    *("uuid", "bigint", "bigint", "bigint", "boolean", "text", "text", "bytea", "text", "smallint", "numeric"),
    *("smallint", "text", "text", "timestamptz", "timestamptz", "integer", "text"),
)
_INSERT = f"""
INSERT INTO delivery_message ({_COLUMNS}, campaign_id, error_code, attempt, provider_message_id, created_at, final_at)
SELECT {_COLUMNS}, 0, '', 1, '', %s, CASE WHEN status = '{Status.SUPPRESSED}' THEN %s END
FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)}) AS new ({_COLUMNS}) ORDER BY id
ON CONFLICT (id) DO NOTHING RETURNING id
"""


def submit_many(texts: Sequence[Text]) -> dict[UUID, Fate]:
    """Queue them, in the caller's transaction. Returns what each became; one that was there already is left out.

    A recipient who may not be texted gets a row as well, `suppressed` with its reason, as from `submit`. Meant for a
    thousand or so. Raises LookupError when an id's month is not open.
    """
    if not texts:
        return {}
    now = clock.now()
    stops = consent.stops_among([text.recipient for text in texts])
    ways = _ways(texts)
    ciphers = {month: bodies.sealer(month) for month in {month_of_id(text.id) for text in texts}}
    countries = [phone.country(text.recipient) for text in texts]
    arriving = arrivals_by_lane(
        [(text.recipient, country, text.lane) for text, country in zip(texts, countries, strict=True)]
    )
    rows = [
        _row(text, country, stops, ways[text.sender_id], arrival, ciphers, now)
        for text, country, arrival in zip(texts, countries, arriving, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [now, now, *(list(column) for column in zip(*rows, strict=True))])
        written = {message_id for (message_id,) in cursor.fetchall()}
    queued = {row.provider_id for row in rows if row.id in written and row.status == Status.QUEUED and row.provider_id}
    for provider_id in queued:
        transaction.on_commit(partial(wake.dispatch, provider_id))
    return {row.id: Fate(Status(row.status), row.reason) for row in rows if row.id in written}


def _ways(texts: Sequence[Text]) -> dict[int | None, Ways]:
    """By the sender that was named; None: by the routes."""
    named = {text.sender_id for text in texts}
    senders = Sender.objects.select_related("provider").in_bulk([pk for pk in named if pk is not None])
    found: dict[int | None, Ways] = {pk: routes.way_of(sender) for pk, sender in senders.items()}
    if named - found.keys():
        found |= dict.fromkeys(named - found.keys(), routes.ways())
    return found


def _row(
    text: Text,
    country: str,
    stops: consent.Stops,
    ways: Ways,
    arrival: Arrival,
    ciphers: Mapping[date, AESGCM],
    now: datetime,
) -> _Row:
    size = measure(text.body)
    route = ways.to(text.recipient, country, text.lane)
    status, reason, waits_for = Status.QUEUED, "", ""
    not_before = text.not_before
    if stopped := stops.reason(text.recipient, route.sender if route else ""):
        status, reason = Status.SUPPRESSED, Suppressed(stopped).value
    elif not size.segments or len(text.body) > MAX_BODY:
        status, reason = Status.SUPPRESSED, Suppressed.EMPTY_BODY.value
    elif route is None:
        status, reason = Status.SUPPRESSED, Suppressed.NO_SENDER.value
    elif text.not_before is not None and text.not_before > now:
        status = Status.HELD
    elif arrival.until is not None:
        status, reason, waits_for = in_time(arrival, text.valid_until)
        not_before = arrival.until
    sent = status != Status.SUPPRESSED
    return _Row(
        id=text.id,
        contact_id=text.contact_id,
        provider_id=route.provider_id if route and sent else None,
        sender_id=route.sender_id if route and sent else None,
        routed=ways.routed,
        recipient=text.recipient,
        country=country,
        body=bodies.seal_with(ciphers[month_of_id(text.id)], text.id, text.body) if sent else b"",
        encoding=size.encoding,
        segments=size.segments if sent else 0,
        cost=ways.cost(route, country, size.segments) if route and sent else FREE,
        lane=text.lane,
        status=status,
        reason=reason,
        not_before=not_before if status == Status.HELD else None,
        valid_until=text.valid_until,
        place_id=arrival.place_id if sent else None,
        waits_for=waits_for,
    )
