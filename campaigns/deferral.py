"""How many of an audience would not be texted at once: by allowed hours and frequency caps, as they stand now."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from campaigns import audience
from campaigns.models import Campaign
from contacts import phone, whereabouts
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


def deferred(campaign: Campaign) -> tuple[Deferred, ...]:
    """What a launch at this moment would mean; none for a lane that no rule is about.

    Reads the audience twice, in the database, and holds no more than the places that there are. A frequency cap is
    counted for those to whom it is an hour that is allowed where they were last texted.
    """
    if campaign.lane not in bound.lanes():
        return ()
    return tuple(found for found in (*_by_hours(campaign), *_by_caps(campaign)) if found.contacts)


def _by_hours(campaign: Campaign) -> list[Deferred]:
    now, rules = clock.now(), places.rules()
    opens: dict[whereabouts.Place, datetime] = {}
    waiting: Counter[datetime] = Counter()
    for example, hints, contacts in audience.by_whereabouts(campaign):
        place = whereabouts.find(example, phone.country(example), hints)
        if place not in opens:
            opens[place] = places.window(place, rules, now).opens
        if opens[place] > now:
            waiting[opens[place]] += contacts
    if not waiting:
        return []
    return [Deferred(WaitsFor.QUIET_HOURS, waiting.total(), min(waiting), max(waiting))]


def _by_caps(campaign: Campaign) -> list[Deferred]:
    if not caps.any_for(campaign.lane):
        return []
    found = caps.survey(audience.SELECT_PHONES, audience.parameters(campaign), campaign.lane)
    return [
        Deferred(WaitsFor.FREQUENCY_CAP, found.waiting, found.first, found.last),
        Deferred(WaitsFor.FREQUENCY_CAP, found.not_sent, None, None),
    ]
