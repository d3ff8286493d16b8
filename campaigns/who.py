"""Who is in a group of a headcount: some people of it, each with the reason, in the order of their contacts.

The people on the lists are gone through in windows and judged one by one, as materialising would, for a bounded time:
what is frequent fills a page at once, what is rare may take several, and each page says from where the next goes on.
"""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from campaigns import audience, audience_where, consenting, deferral, headcount
from campaigns.deferral import Waiting
from campaigns.headcount import Group
from campaigns.models import Campaign
from contacts import consent, phone
from contacts.consents import standing
from contacts.consents.standing import Standing
from contacts.whereabouts import HINTS_SQL, Hints
from delivery import clock
from delivery.errors import Suppressed
from delivery.routing.routes import Ways
from delivery.timerules.arrival import Recipient, arrivals

PAGE = 50
#: People judged at once, and for how long in one page.
WINDOW, SECONDS = 1000, 0.7

# Of each list as many as the window has, by its index: so no list is read from end to end.
_IDS = """
SELECT DISTINCT member.contact_id FROM unnest(%(include)s::bigint[]) AS list (id) CROSS JOIN LATERAL (
    SELECT contact_id FROM contacts_membership
    WHERE contact_list_id = list.id AND contact_id > %(after)s ORDER BY contact_id LIMIT %(window)s) AS member
ORDER BY member.contact_id LIMIT %(window)s
"""
_ON = """FROM contacts_membership AS member
    WHERE member.contact_id = contact.id AND member.contact_list_id = ANY(%({lists})s::bigint[])"""
_PEOPLE = f"""
SELECT contact.id, contact.phone, contact.name, {consent.OF_CONTACT_SQL}, {standing.OF_CONTACT_SQL},
       (SELECT count(*) {_ON.format(lists="include")}) > 1, EXISTS (SELECT 1 {_ON.format(lists="exclude")}),
       {{condition}}, {HINTS_SQL}, {consent.KEY_SQL}
FROM contacts_contact AS contact {{joins}} WHERE contact.id = ANY(%(ids)s) ORDER BY contact.id
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One contact on the lists. `reason` has what the group does not say, in words; `until` is set for who waits."""

    contact_id: int
    phone: str
    name: str
    group: Group
    on_several: bool
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the contact that the next page goes on behind; None: this was the last. It is not `whole` if it was
    cut short because there was much to look through."""

    people: tuple[Person, ...]
    after: int | None
    whole: bool = True


def page(campaign: Campaign, group: Group, *, after: int = 0, limit: int = PAGE) -> Page:
    """The next few of a group behind a contact. A bounded number of queries for each window. Raises RulesError."""
    people: list[Person] = []
    until = time.monotonic() + SECONDS
    for last, judged in _windows(campaign, after):
        people += [one for one in judged if one.group is group or (group is Group.DUPLICATE and one.on_several)]
        if len(people) > limit:
            return Page(tuple(people[:limit]), people[limit - 1].contact_id)
        if time.monotonic() > until:
            return Page(tuple(people), last, whole=False)
    return Page(tuple(people), None)


class _Row(NamedTuple):
    """A contact as _PEOPLE reads it."""

    id: int
    phone: str
    name: str
    stops: str | None
    said: str | None
    several: bool
    excluded: bool
    meets: bool
    time_zone: str
    state: str
    postal_code: str

    @property
    def hints(self) -> Hints:
        return Hints(self.time_zone, self.state, self.postal_code)


def _windows(campaign: Campaign, after: int) -> Iterator[tuple[int, list[Person]]]:
    """Everybody on the lists, judged as they are wanted; with each window its last contact."""
    sender, ways = headcount.way_out(campaign)
    recorded = consenting.must_be_recorded(campaign)
    now = clock.now()
    waits = deferral.waiting(campaign, now)
    where = audience_where.where(audience.rules(campaign), now)
    values = {**audience.list_ids(campaign), **where.values, "purpose": campaign.purpose, "window": WINDOW}
    query = _PEOPLE.format(condition=where.sql, joins=where.joins)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_IDS, values | {"after": after})
            ids = [contact_id for (contact_id,) in cursor.fetchall()]
            cursor.execute(query, values | {"ids": ids})
            found = cursor.fetchall()
        rows = [_Row(*row[:-1]) for row in found]
        erased = consent.erased_by_key((row.phone for row in rows), found[0][-1] if found else None)
        people = [_judged(row, erased, sender, ways, recorded, campaign.lane) for row in rows]
        if ids:
            after = ids[-1]
            yield after, _in_time(rows, people, campaign, waits)
        if len(ids) < WINDOW:
            return


def _judged(row: _Row, erased: Collection[str], sender: str, ways: Ways | None, recorded: bool, lane: int) -> Person:
    """Without the time, which is asked for many at once."""
    group, reason = Group.AT_ONCE, ""
    stopped = (
        Suppressed.ERASED if row.phone in erased else row.stops and consent.stopping(json.loads(row.stops), sender)
    )
    said = standing.decide(standing.said(json.loads(row.said)) if row.said else {}, sender)
    if row.excluded:
        group = Group.EXCLUDED
    elif not row.meets:
        group = Group.RULED_OUT
    elif stopped:
        group, reason = Group.SUPPRESSED, str(Suppressed(stopped).label)
    elif not standing.allows(said, recorded=recorded):
        group = Group.WITHDRAWN if said == Standing.WITHDRAWN else Group.UNRECORDED
    elif ways and ways.to(row.phone, phone.country(row.phone), lane) is None:
        group = Group.NO_ROUTE
    return Person(row.id, row.phone, row.name, group, row.several and not row.excluded, reason)


def _in_time(rows: Sequence[_Row], people: Sequence[Person], campaign: Campaign, waits: Waiting | None) -> list[Person]:
    """The same; of those who are to be texted, with when."""
    result = list(people)
    asked = []
    for n, row in enumerate(rows):
        if people[n].group is not Group.AT_ONCE:
            continue
        if waits and (wait := waits(row.phone, row.hints)):
            result[n] = replace(people[n], group=Group(wait.reason.value), until=wait.until)
        elif campaign.local_time is None:
            asked.append(n)
    recipients = [Recipient(rows[n].phone, phone.country(rows[n].phone), rows[n].hints) for n in asked]
    with transaction.atomic():
        for n, arrival in zip(asked, arrivals(recipients, campaign.lane), strict=True):
            if arrival.until is not None:
                group = Group.CAPPED if arrival.never else Group.OVER_CAP
                result[n] = replace(people[n], group=group, until=None if arrival.never else arrival.until)
    return result
