"""How many of an audience would not be texted at once: by the campaign's own time, allowed hours and frequency caps, as
they stand now."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from campaigns import audience, local_time, split
from campaigns.models import Campaign
from contacts import phone, whereabouts
from contacts.consents.standing import Standing
from delivery import clock
from delivery.states import WaitsFor
from delivery.timerules import bound, caps, places


@dataclass(frozen=True, slots=True)
class Deferred:
    """So many would wait for `reason`, until the first and the last of these times; both None: they get nothing."""

    reason: WaitsFor
    contacts: int
    first: datetime | None
    last: datetime | None

    @property
    def label(self) -> str:
        return str(self.reason.label)


def deferred(campaign: Campaign, at: datetime | None = None, *, sender: str = "") -> tuple[Deferred, ...]:
    """What a launch at that moment, or now, would mean; none for a lane that no rule is about and a campaign without a
    time of its own.

    Who is held out does not wait: of each, the campaign's share is taken off.

    Reads the audience twice, in the database, and holds no more than the places that there are. A frequency cap is
    counted for those to whom it is an hour that is allowed where they were last texted; for a launch now alone, for
    nobody knows what will have been sent by another time. `sender` as in `audience.survey`. Raises RulesError.
    """
    now = clock.now()
    launch_at = max(at, now) if at else now
    waits = waiting(campaign, launch_at)
    if waits is None:
        return ()
    times: dict[WaitsFor, Counter[datetime]] = {}
    for cluster in audience.clusters(campaign, sender=sender):
        if cluster.leave == Standing.GRANTED and (wait := waits(cluster.example, cluster.hints)):
            times.setdefault(wait.reason, Counter())[wait.until] += cluster.people
    found = [Deferred(reason, of.total(), min(of), max(of)) for reason, of in sorted(times.items())]
    if launch_at == now:
        found += by_caps(campaign, sender=sender)
    waiting_for = (replace(one, contacts=_but_for_held_out(campaign, one.contacts)) for one in found)
    return tuple(one for one in waiting_for if one.contacts)


def _but_for_held_out(campaign: Campaign, contacts: int) -> int:
    return contacts - split.held_out(contacts, campaign.hold_out_percent)


class Wait(NamedTuple):
    reason: WaitsFor
    until: datetime


#: For a number and what its contact says of where it is.
Waiting = Callable[[str, whereabouts.Hints], Wait | None]


def waiting(campaign: Campaign, launch_at: datetime) -> Waiting | None:
    """What says which of the campaign's time and the allowed hours a text would wait for last, if any; it keeps what it
    found for each place. None: nobody waits, wherever they are."""
    own_time, is_bound = local_time.of(campaign, launch_at), campaign.lane in bound.lanes()
    if not is_bound and own_time is None:
        return None
    rules = places.rules() if is_bound else {}
    known: dict[whereabouts.Place, Wait | None] = {}

    def of(number: str, hints: whereabouts.Hints) -> Wait | None:
        place = whereabouts.find(number, phone.country(number), hints)
        if place not in known:
            leaves = own_time.moment(place.zones) if own_time else launch_at
            opens = places.window(place, rules, leaves).opens if rules else leaves
            reason = WaitsFor.QUIET_HOURS if opens > leaves else WaitsFor.LOCAL_TIME if leaves > launch_at else None
            known[place] = Wait(reason, max(opens, leaves)) if reason else None
        return known[place]

    return of


def by_caps(campaign: Campaign, *, sender: str = "", one_in: int = 1) -> list[Deferred]:
    """Of a launch now, for those to whom it is an hour that is allowed where they were last texted; nothing for a
    campaign with a time of its own."""
    if campaign.local_time is not None or campaign.lane not in bound.lanes() or not caps.any_for(campaign.lane):
        return []
    chosen = audience.phones(campaign, sender=sender, one_in=one_in)
    found = caps.survey(chosen.sql, chosen.values, campaign.lane)
    return [
        Deferred(WaitsFor.FREQUENCY_CAP, found.waiting, found.first, found.last),
        Deferred(WaitsFor.FREQUENCY_CAP, found.not_sent, None, None),
    ]
