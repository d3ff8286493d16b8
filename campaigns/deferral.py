"""How many of an audience would not be texted at once: by allowed hours and frequency caps, as they stand now."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from campaigns import audience
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


def deferred(campaign: Campaign, *, sender: str = "") -> tuple[Deferred, ...]:
    """What a launch at this moment would mean; none for a lane that no rule is about.

    Reads the audience twice, in the database, and holds no more than the places that there are. `sender` as in
    `audience.survey`. Raises RulesError.
    """
    if campaign.lane not in bound.lanes():
        return ()
    opens = opening()
    waiting: Counter[datetime] = Counter()
    for cluster in audience.clusters(campaign, sender=sender):
        if cluster.leave == Standing.GRANTED and (at := opens(cluster)):
            waiting[at] += cluster.people
    return tuple(found for found in (*by_hours(waiting), *by_caps(campaign, sender=sender)) if found.contacts)


def opening() -> Callable[[audience.Cluster], datetime | None]:
    """When people may be texted by the rules as they are, None: now. Keeps what it found for each place."""
    now, rules = clock.now(), places.rules()
    opens: dict[whereabouts.Place, datetime] = {}

    def of(cluster: audience.Cluster) -> datetime | None:
        place = whereabouts.find(cluster.example, phone.country(cluster.example), cluster.hints)
        if place not in opens:
            opens[place] = places.window(place, rules, now).opens
        return opens[place] if opens[place] > now else None

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
