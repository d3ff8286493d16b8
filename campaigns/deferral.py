"""How many of an audience would not be texted at once: by the campaign's own time, allowed hours and frequency caps, as
they stand now."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from campaigns import audience, local_time
from campaigns.local_time import WallClock
from campaigns.models import Campaign
from contacts import phone, whereabouts
from contacts.consents.standing import Standing
from delivery import clock
from delivery.states import WaitsFor
from delivery.timerules import bound, caps, places
from delivery.timerules.opening import Rule


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

    Reads the audience twice, in the database, and holds no more than the places that there are. A frequency cap is
    counted for those to whom it is an hour that is allowed where they were last texted; for a launch now alone, for
    nobody knows what will have been sent by another time. `sender` as in `audience.survey`. Raises RulesError.
    """
    now, is_bound = clock.now(), campaign.lane in bound.lanes()
    launch_at = max(at, now) if at else now
    own_time = local_time.of(campaign, launch_at)
    if not is_bound and own_time is None:
        return ()
    waits = _waits(own_time, places.rules() if is_bound else {}, launch_at)
    waiting: dict[WaitsFor, Counter[datetime]] = {}
    for cluster in audience.clusters(campaign, sender=sender):
        if cluster.leave == Standing.GRANTED and (wait := waits(cluster)):
            waiting.setdefault(wait.reason, Counter())[wait.until] += cluster.people
    found = [Deferred(reason, times.total(), min(times), max(times)) for reason, times in sorted(waiting.items())]
    if is_bound and own_time is None and launch_at == now:
        found += by_caps(campaign, sender=sender)
    return tuple(one for one in found if one.contacts)


class _Wait(NamedTuple):
    reason: WaitsFor
    until: datetime


def _waits(
    own_time: WallClock | None, rules: dict[str, Rule], launch_at: datetime
) -> Callable[[audience.Cluster], _Wait | None]:
    """What people would wait for last, None: for nothing. Keeps what it found for each place."""
    known: dict[whereabouts.Place, _Wait | None] = {}

    def of(cluster: audience.Cluster) -> _Wait | None:
        place = whereabouts.find(cluster.example, phone.country(cluster.example), cluster.hints)
        if place not in known:
            leaves = own_time.moment(place.zones) if own_time else launch_at
            opens = max(leaves, places.window(place, rules, leaves).opens) if rules else leaves
            reason = WaitsFor.QUIET_HOURS if opens > leaves else WaitsFor.LOCAL_TIME if leaves > launch_at else None
            known[place] = _Wait(reason, opens) if reason else None
        return known[place]

    return of


def opening() -> Callable[[audience.Cluster], datetime | None]:
    """When people may be texted by the rules as they are, None: now."""
    waits = _waits(None, places.rules(), clock.now())

    def of(cluster: audience.Cluster) -> datetime | None:
        wait = waits(cluster)
        return wait.until if wait else None

    return of


def by_hours(waiting: Counter[datetime]) -> list[Deferred]:
    """Of how many wait until when."""
    if not waiting:
        return []
    return [Deferred(WaitsFor.QUIET_HOURS, waiting.total(), min(waiting), max(waiting))]


def by_caps(campaign: Campaign, *, sender: str = "", one_in: int = 1) -> list[Deferred]:
    """Counted for those to whom it is an hour that is allowed where they were last texted."""
    if not caps.any_for(campaign.lane):
        return []
    chosen = audience.phones(campaign, sender=sender, one_in=one_in)
    found = caps.survey(chosen.sql, chosen.values, campaign.lane)
    return [
        Deferred(WaitsFor.FREQUENCY_CAP, found.waiting, found.first, found.last),
        Deferred(WaitsFor.FREQUENCY_CAP, found.not_sent, None, None),
    ]
