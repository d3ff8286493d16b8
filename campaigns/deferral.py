"""How many of an audience would not be texted at once: by the campaign's own time, allowed hours and frequency caps, as
they stand now."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from campaigns import audience, local_time
from campaigns.models import Campaign
from contacts import phone, whereabouts
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


def deferred(campaign: Campaign, at: datetime | None = None) -> tuple[Deferred, ...]:
    """What a launch at that moment, or now, would mean; none for a lane that no rule is about and a campaign without a
    time of its own.

    Reads the audience twice, in the database, and holds no more than the places that there are. A frequency cap is
    counted for those to whom it is an hour that is allowed where they were last texted; for a launch now alone, for
    nobody knows what will have been sent by another time.
    """
    now, is_bound = clock.now(), campaign.lane in bound.lanes()
    launch_at = max(at, now) if at else now
    own_time = local_time.of(campaign, launch_at)
    if not is_bound and own_time is None:
        return ()
    found = _by_time(campaign, own_time, places.rules() if is_bound else {}, launch_at)
    if is_bound and own_time is None and launch_at == now:
        found += _by_caps(campaign)
    return tuple(one for one in found if one.contacts)


def _by_time(
    campaign: Campaign, own_time: local_time.WallClock | None, rules: dict[str, Rule], launch_at: datetime
) -> list[Deferred]:
    """Each contact once, by what it would wait for last."""
    known: dict[whereabouts.Place, tuple[WaitsFor | None, datetime]] = {}
    waiting: dict[WaitsFor, Counter[datetime]] = {}
    for example, hints, contacts in audience.by_whereabouts(campaign):
        place = whereabouts.find(example, phone.country(example), hints)
        if place not in known:
            leaves = own_time.moment(place.zones) if own_time else launch_at
            opens = places.window(place, rules, leaves).opens if rules else leaves
            reason = WaitsFor.QUIET_HOURS if opens > leaves else WaitsFor.LOCAL_TIME if leaves > launch_at else None
            known[place] = reason, max(opens, leaves)
        reason, until = known[place]
        if reason:
            waiting.setdefault(reason, Counter())[until] += contacts
    return [Deferred(reason, times.total(), min(times), max(times)) for reason, times in sorted(waiting.items())]


def _by_caps(campaign: Campaign) -> list[Deferred]:
    if not caps.any_for(campaign.lane):
        return []
    found = caps.survey(audience.SELECT_PHONES, audience.parameters(campaign), campaign.lane)
    return [
        Deferred(WaitsFor.FREQUENCY_CAP, found.waiting, found.first, found.last),
        Deferred(WaitsFor.FREQUENCY_CAP, found.not_sent, None, None),
    ]
