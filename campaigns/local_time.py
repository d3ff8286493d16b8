"""A campaign for a time of everybody's own clock: when that is for each recipient.

Its messages are written at the launch and held until then, as by a time rule; when the time has come the rules of that
moment are asked. Where several time zones are possible for a recipient it is the last of their moments: a text that
comes later than meant disturbs nobody, one that comes at six in the morning does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from campaigns.models import Campaign
from contacts import whereabouts
from delivery import clock
from delivery.states import WaitsFor
from delivery.timerules.arrival import Arrival, Recipient

#: Messages are kept by the month of the launch, and answers are looked for as far back: see delivery.reactions.
MOST_DAYS_AHEAD = 30

#: Where a day ends last.
_LAST_ZONE = ZoneInfo("Etc/GMT+12")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WallClock:
    """What a campaign says of its time, and its launch, from which days are counted. A function of these alone: a chunk
    that is written an hour later, or again, has the same moments."""

    time: time
    day: date | None
    at_once_if_passed: bool
    launched_at: datetime

    def moment(self, zones: tuple[str, ...]) -> datetime:
        """When somebody in one of these zones gets it, in UTC; the launch: at once."""
        return _moment(self, zones)


def of(campaign: Campaign, launched_at: datetime) -> WallClock | None:
    """None: it leaves as soon as it is launched."""
    if campaign.local_time is None:
        return None
    at_once = campaign.local_passed == Campaign.LocalPassed.AT_ONCE
    return WallClock(campaign.local_time, campaign.local_date, at_once, launched_at)


def problems(campaign: Campaign, launch_at: datetime) -> list[str]:
    """What keeps it from being launched at that moment, in sentences."""
    day = campaign.local_date
    if campaign.local_time is None:
        no_time = gettext("It has a day of everybody's own calendar and no time: give a time as well.")
        return [no_time] if day else []
    found = []
    if campaign.spread_minutes:
        found.append(gettext("It cannot be spread over a time and be for a time of everybody's own clock: choose one."))
    if day and day > (launch_at + timedelta(days=MOST_DAYS_AHEAD)).date():
        far = gettext("Its day is more than %(most)s days after the launch: schedule the launch for later.")
        found.append(far % {"most": MOST_DAYS_AHEAD})
    if day and datetime.combine(day, campaign.local_time, _LAST_ZONE) < launch_at:
        over = gettext("%(day)s at %(time)s is over everywhere by then: choose a later day.")
        found.append(over % {"day": f"{day:%Y-%m-%d}", "time": f"{campaign.local_time:%H:%M}"})
    return found


def no_earlier(own_time: WallClock, recipients: Sequence[Recipient], found: Sequence[Arrival]) -> list[Arrival]:
    """The arrivals of these recipients, held until the campaign's time where that is still to come. The rules of that
    moment are asked when it is there."""
    now, result = clock.now(), []
    for recipient, arrival in zip(recipients, found, strict=True):
        moment = own_time.moment(whereabouts.find(*recipient).zones)
        result.append(Arrival(arrival.place_id, moment, WaitsFor.LOCAL_TIME.value) if moment > now else arrival)
    return result


@lru_cache(maxsize=4096)
def _moment(own_time: WallClock, zones: tuple[str, ...]) -> datetime:
    return max(_in_zone(own_time, ZoneInfo(zone)) for zone in zones)


def _in_zone(own_time: WallClock, zone: ZoneInfo) -> datetime:
    today = own_time.launched_at.astimezone(zone).date()
    meant = _utc(own_time.day or today, own_time.time, zone)
    if meant >= own_time.launched_at:
        return meant
    if own_time.at_once_if_passed:
        return own_time.launched_at
    still_today = _utc(today, own_time.time, zone)
    return still_today if still_today >= own_time.launched_at else _utc(today + _DAY, own_time.time, zone)


def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A time that comes twice when clocks are set back is the first of the two; one that is left out when they are set
    forward is as much later (PEP 495)."""
    return datetime.combine(day, at, zone).astimezone(UTC)
