"""How many of an audience would not be texted at once: by the campaign's own time, allowed hours and frequency caps, as
they stand now."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from campaigns import audience, local_time
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


class Wait(NamedTuple):
    """What somebody waits for last, and until when."""

    reason: WaitsFor
    until: datetime


#: What somebody of this number, of whose whereabouts this is known, would wait for; None: nothing.
Waits = Callable[[str, whereabouts.Hints], Wait | None]


def deferred(campaign: Campaign, at: datetime | None = None, *, sender: str = "") -> tuple[Deferred, ...]:
    """What a launch at that moment, or now, would mean. Each contact counts once, for what it would wait for last.

    Reads the audience twice, in the database, and holds no more than the places that there are. `sender` as in
    `audience.survey`. Frequency caps are looked at for a launch now alone, for nobody knows what will have been sent by
    another time. Raises RulesError.
    """
    if (waits := opening(campaign, at)) is None:
        return ()
    waiting: dict[WaitsFor, Counter[datetime]] = {}
    for cluster in audience.clusters(campaign, sender=sender):
        if cluster.leave == Standing.GRANTED and (wait := waits(cluster.example, cluster.hints)):
            waiting.setdefault(wait.reason, Counter())[wait.until] += cluster.people
    found = [Deferred(reason, times.total(), min(times), max(times)) for reason, times in sorted(waiting.items())]
    if at is None or at <= clock.now():
        found += by_caps(campaign, sender=sender)
    return tuple(one for one in found if one.contacts)


def opening(campaign: Campaign, at: datetime | None = None) -> Waits | None:
    """By the campaign's own time and the allowed hours, launched at that moment, or now; None: neither is about it.
    Keeps what it found for each place."""
    now, is_bound = clock.now(), campaign.lane in bound.lanes()
    launch_at = max(at, now) if at else now
    own_time = local_time.of(campaign, launch_at)
    if not is_bound and own_time is None:
        return None
    rules = places.rules() if is_bound else {}
    known: dict[whereabouts.Place, Wait | None] = {}

    def of(number: str, hints: whereabouts.Hints) -> Wait | None:
        place = whereabouts.find(number, phone.country(number), hints)
        if place not in known:
            leaves = own_time.moment(place.zones) if own_time else launch_at
            opens = max(leaves, places.window(place, rules, leaves).opens) if rules else leaves
            reason = WaitsFor.QUIET_HOURS if opens > leaves else WaitsFor.LOCAL_TIME if leaves > launch_at else None
            known[place] = Wait(reason, opens) if reason else None
        return known[place]

    return of


def by_caps(campaign: Campaign, *, sender: str = "", one_in: int = 1) -> list[Deferred]:
    """Counted for those to whom it is an hour that is allowed where they were last texted; not for a campaign with a
    time of its own, whose caps nobody knows before that has come."""
    if campaign.local_time is not None or campaign.lane not in bound.lanes() or not caps.any_for(campaign.lane):
        return []
    chosen = audience.phones(campaign, sender=sender, one_in=one_in)
    found = caps.survey(chosen.sql, chosen.values, campaign.lane)
    return [
        Deferred(WaitsFor.FREQUENCY_CAP, found.waiting, found.first, found.last),
        Deferred(WaitsFor.FREQUENCY_CAP, found.not_sent, None, None),
    ]
