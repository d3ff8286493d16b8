"""The rules of submitting, each of them once: what there is to know of a draft, what is wrong with it, its row.

Whoever waits for an answer (the API, the SMPP door) asks for `objection` first and writes nothing where there is one.
Whoever has nobody to tell (reminders) takes the row alone: what cannot be sent is then `suppressed` with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contacts import consent, phone
from delivery import clock
from delivery.errors import Suppressed
from delivery.models import TEST_PROVIDER
from delivery.prices import FREE
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.routing.senders import NONE_SET_UP, switched_off
from delivery.routing.table import Route
from delivery.segments import Segmentation, measure
from delivery.states import UNCLAIMED, Status
from delivery.submitting.drafts import MAX_BODY, BadText, Draft, NoWay, SubmitError, WouldExpire
from delivery.submitting.rows import Row
from delivery.timerules.arrival import Arrival, arrivals_by_lane


@dataclass(frozen=True, slots=True)
class Considered:
    """A draft with all that its fate depends on, as it was at one moment."""

    draft: Draft
    country: str
    size: Segmentation
    ways: Ways
    route: Route | None
    stopped: str
    """Why the recipient may not be texted; empty: they may."""
    arrival: Arrival
    nothing_set_up: bool
    now: datetime


def consider(drafts: Sequence[Draft]) -> list[Considered]:
    """Look everything up, in order. In a transaction; the number of queries does not depend on how many they are."""
    if not drafts:
        return []
    now = clock.now()
    countries = [phone.country(draft.recipient) for draft in drafts]
    stops = consent.stops_among({draft.recipient for draft in drafts})
    arriving = arrivals_by_lane(
        [(draft.recipient, country, draft.lane) for draft, country in zip(drafts, countries, strict=True)]
    )
    ways = _ways(drafts, countries)
    taken = [
        way.to(draft.recipient, country, draft.lane)
        for draft, country, way in zip(drafts, countries, ways, strict=True)
    ]
    nothing_set_up = None in taken and not routes.any_at_all()
    return [
        Considered(
            draft=draft,
            country=country,
            size=measure(draft.body),
            ways=way,
            route=route,
            stopped=stops.reason(draft.recipient, route.sender if route else "") or "",
            arrival=arrival,
            nothing_set_up=nothing_set_up and route is None,
            now=now,
        )
        for draft, country, way, route, arrival in zip(drafts, countries, ways, taken, arriving, strict=True)
    ]


def objection(it: Considered) -> SubmitError | None:
    """What its sender can mend; None: its row may be written."""
    draft = it.draft
    if not draft.body:
        return BadText("The text is empty.")
    if len(draft.body) > MAX_BODY:
        return BadText(f"The text has {len(draft.body)} characters; at most {MAX_BODY} can be sent.")
    if draft.valid_until is not None and draft.valid_until <= max(it.now, draft.not_before or it.now):
        return WouldExpire("The message would expire before it may be sent.")
    if it.nothing_set_up:
        return NoWay(str(NONE_SET_UP))
    if it.route and not it.route.on:
        return NoWay(switched_off(it.route.sender))
    return None


def row(it: Considered, *, closed: Suppressed | None = None) -> Row:
    """What is written. A message that is never sent leaves by nothing and costs nothing; `closed` says why it is not,
    whatever else there is to know."""
    fate = Fate(Status.SUPPRESSED, closed.value) if closed else _fate(it)
    draft, route = it.draft, it.route
    waiting = fate.status in UNCLAIMED
    # A test key finds its messages by the test carrier, what became of them too.
    leaves = route and (waiting or route.provider_id == TEST_PROVIDER)
    return Row(
        id=draft.id,
        contact_id=draft.contact_id,
        provider_id=route.provider_id if route and leaves else None,
        sender_id=route.sender_id if route and leaves else None,
        routed=it.ways.routed,
        recipient=draft.recipient,
        country=it.country,
        body=draft.body,
        encoding=it.size.encoding,
        segments=it.size.segments if waiting else 0,
        cost=it.ways.cost(route, it.country, it.size.segments) if route and waiting else FREE,
        lane=draft.lane,
        status=fate.status,
        reason=fate.reason,
        not_before=fate.until,
        valid_until=draft.valid_until,
        place_id=it.arrival.place_id if waiting else None,
        waits_for=fate.waits_for,
        created_at=it.now,
        final_at=None if waiting else it.now,
    )


class Fate(NamedTuple):
    """What a message begins with: `until` and `waits_for` where it is held."""

    status: Status
    reason: str = ""
    until: datetime | None = None
    waits_for: str = ""


def _fate(it: Considered) -> Fate:
    draft, until = it.draft, it.arrival.until
    if it.stopped:
        return Fate(Status.SUPPRESSED, Suppressed(it.stopped).value)
    if not it.size.segments or len(draft.body) > MAX_BODY:
        return Fate(Status.SUPPRESSED, Suppressed.EMPTY_BODY.value)
    if it.route is None:
        return Fate(Status.SUPPRESSED, Suppressed.NO_SENDER.value)
    if draft.not_before is not None and draft.not_before > it.now:
        return Fate(Status.HELD, until=draft.not_before)
    if until is None:
        return Fate(Status.QUEUED)
    if it.arrival.never or (draft.valid_until is not None and draft.valid_until <= until):
        return Fate(Status.SUPPRESSED, it.arrival.waits_for)
    return Fate(Status.HELD, until=until, waits_for=it.arrival.waits_for)


def _ways(drafts: Sequence[Draft], countries: Sequence[str]) -> list[Ways]:
    """By the sender that was named, else by the routes; for one draft no more of them than may count for it."""
    if len(drafts) == 1:
        (draft,), (country,) = drafts, countries
        return [routes.way_of(draft.sender, country) if draft.sender else routes.ways_to(country, draft.lane)]
    every = routes.ways()
    named = {draft.sender.pk: every.by(draft.sender) for draft in drafts if draft.sender}
    return [named[draft.sender.pk] if draft.sender else every for draft in drafts]
