"""Who is behind a number of the report: pages of a campaign's messages, in the order of their contacts.

Messages, or by their own index those that somebody reacted to, are gone through in windows for a bounded time: what is
frequent fills a page at once, what is rare may take several, and each page says from where the next goes on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns import split
from campaigns.models import Campaign
from campaigns.report.steps import ARRIVED, NOT_SENT, REACTIONS, TO_SEND, Step
from delivery.ids import IdRange, campaign_range, contact_of
from delivery.reactions import Kind
from delivery.states import Status, sql_in

PAGE = 50
#: Messages looked at in one statement at most, and for how long in one page.
WINDOW, SECONDS = 20_000, 0.15
#: The first window is as large as the page, each is so many times the one before: what is rare is far away.
GROWTH = 8

_COLUMNS = "id, contact_id, recipient, country, sender_id, status, reason, segments, cost, sent_at, final_at"
# The last id that was looked at comes with every row, or alone where no row fits.
_WINDOW = """
WITH scanned AS MATERIALIZED ({source} LIMIT %(window)s)
SELECT looked.id, looked.number, found.* FROM (
    SELECT (SELECT id FROM scanned ORDER BY id DESC LIMIT 1) AS id, (SELECT count(*) FROM scanned) AS number
) AS looked LEFT JOIN LATERAL (SELECT * FROM scanned WHERE {condition} ORDER BY id LIMIT %(limit)s) AS found ON true
ORDER BY found.id
"""
_WRITTEN = f"""
SELECT {_COLUMNS} FROM delivery_message
WHERE id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s ORDER BY id"""
_REACTED = f"""
SELECT m.{_COLUMNS.replace(", ", ", m.")} FROM delivery_reaction AS r JOIN delivery_message AS m ON m.id = r.message_id
WHERE r.campaign_id = %(campaign)s AND r.kind = %(kind)s AND r.first
  AND r.message_id BETWEEN %(lowest)s AND %(highest)s AND m.id BETWEEN %(lowest)s AND %(highest)s
ORDER BY r.message_id"""
_FOLLOWED = f"""EXISTS (
    SELECT 1 FROM delivery_reaction AS followed WHERE followed.message_id = scanned.id
    AND followed.message_id BETWEEN %(lowest)s AND %(highest)s
    AND followed.link_id = %(link)s AND followed.kind = '{Kind.CLICK}')"""
_DID = """
SELECT message_id, kind FROM delivery_reaction
WHERE message_id = ANY(%(ids)s) AND message_id BETWEEN %(lowest)s AND %(highest)s AND first
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages are asked for: a step of the funnel; within it a country, sender, status, reason or variant, or
    whose link was followed."""

    step: Step = Step.AUDIENCE
    country: str | None = None
    sender: int | None = None
    status: Status | None = None
    reason: str | None = None
    variant: str | None = None
    link: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One message of the campaign, and what its recipient did."""

    id: UUID
    contact_id: int | None
    recipient: str
    country: str
    sender_id: int | None
    status: Status
    reason: str
    segments: int
    cost: Any
    sent_at: datetime | None
    final_at: datetime | None
    did: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the contact that the next page goes on behind; None: this was the last.

    It is not `whole` if it was cut short because there was much to look through.
    """

    people: tuple[Person, ...]
    after: int | None
    whole: bool = True


def page(campaign: Campaign, chosen: Chosen, *, after: int = -1, limit: int = PAGE) -> Page:
    """The next few after a contact. One query for each window and one."""
    if campaign.launched_at is None:
        return Page((), None)
    ids = campaign_range(campaign.launched_at, campaign.pk, after_contact=after)
    people: list[Person] = []
    until, position, size = time.monotonic() + SECONDS, after, min(limit + 1, WINDOW)
    while True:
        window = campaign_range(campaign.launched_at, campaign.pk, after_contact=position)
        found, last = _window(campaign, chosen, window, limit + 1 - len(people), size)
        people += found
        if len(people) > limit:
            return Page(_with_reactions(people[:limit], ids), contact_of(people[limit - 1].id))
        if last is None:
            return Page(_with_reactions(people, ids), None)
        if time.monotonic() > until:
            return Page(_with_reactions(people, ids), last, whole=False)
        position, size = last, min(size * GROWTH, WINDOW)


def everybody(campaign: Campaign, chosen: Chosen, *, at_once: int = 2000) -> Iterator[Person]:
    """All of them, read as they are wanted."""
    after: int | None = -1
    while after is not None:
        found = page(campaign, chosen, after=after, limit=at_once)
        yield from found.people
        after = found.after


def _window(campaign: Campaign, chosen: Chosen, ids: IdRange, limit: int, size: int) -> tuple[list[Person], int | None]:
    """Those of one window, and the contact that it ended with; None: there is nothing behind it."""
    condition, values = _condition(chosen)
    kind = REACTIONS.get(chosen.step)
    if kind is not None:
        values["kind"] = kind.value
    if chosen.variant is not None:
        drawn = split.of(campaign)
        condition += f" AND {split.arm_sql('id', 'bounds')} = %(arm)s"
        values |= {"bounds": list(drawn.bounds), "arm": drawn.index(chosen.variant)}
    with connection.cursor() as cursor:
        cursor.execute(
            _WINDOW.format(source=_WRITTEN if kind is None else _REACTED, condition=condition),
            values | _range(ids, campaign) | {"window": size, "limit": limit},
        )
        rows = cursor.fetchall()
    last, number = rows[0][:2]
    people = [_person(row[2:]) for row in rows if row[2] is not None]
    if len(people) == limit:
        return people, contact_of(people[-1].id)
    return people, contact_of(last) if number == size else None


def _range(ids: IdRange, campaign: Campaign) -> dict[str, Any]:
    return {"lowest": ids.lowest, "highest": ids.highest, "campaign": campaign.pk}


def _condition(chosen: Chosen) -> tuple[str, dict[str, Any]]:
    conditions, values = ["true"], {}
    if chosen.step is Step.TO_SEND:
        conditions.append(f"status IN {sql_in(TO_SEND)}")
    elif chosen.step is Step.SENT:
        conditions.append(f"status NOT IN {sql_in(NOT_SENT)}")
    elif chosen.step is Step.DELIVERED:
        conditions.append(f"status IN {sql_in(ARRIVED)}")
    for column, value in (
        ("country", chosen.country),
        ("sender_id", chosen.sender),
        ("status", chosen.status and chosen.status.value),
        ("reason", chosen.reason),
    ):
        if value is not None:
            conditions.append(f"{column} = %({column})s")
            values[column] = value
    if chosen.link is not None:
        conditions.append(_FOLLOWED)
        values["link"] = chosen.link
    return " AND ".join(conditions), values


def _person(row: tuple[Any, ...]) -> Person:
    person = Person(*row)
    return replace(person, status=Status(person.status))


def _with_reactions(people: list[Person], ids: IdRange) -> tuple[Person, ...]:
    if not people:
        return ()
    did: dict[UUID, set[Kind]] = {}
    with connection.cursor() as cursor:
        wanted = [person.id for person in people]
        cursor.execute(_DID, {"ids": wanted, "lowest": ids.lowest, "highest": ids.highest})
        for message_id, kind in cursor.fetchall():
            did.setdefault(message_id, set()).add(Kind(kind))
    return tuple(replace(person, did=frozenset(did.get(person.id, ()))) for person in people)
