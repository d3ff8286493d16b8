"""The hours that are allowed where a campaign's audience is, for whoever chooses its time."""

from collections.abc import Iterable
from dataclasses import dataclass

from campaigns import audience
from campaigns.models import Campaign
from delivery.models import AllowedHours
from delivery.timerules import bound
from delivery.timerules.opening import Hours, OnHolidays

#: The countries with most contacts; the others come to little.
MOST = 12


@dataclass(frozen=True, slots=True)
class CountryHours:
    """Where so many of the audience are, and when texts may arrive there; None: never on such days. Without a rule they
    may at any time. `states` of it have rules of their own."""

    country: str
    contacts: int
    ruled: bool
    weekday: Hours | None = None
    saturday: Hours | None = None
    sunday: Hours | None = None
    on_holidays: OnHolidays = OnHolidays.SAME
    states: int = 0

    @property
    def every_day(self) -> bool:
        """The same hours on all days of the week."""
        return self.weekday == self.saturday == self.sunday


def of(campaign: Campaign) -> list[CountryHours]:
    """Those of the largest countries first; none for a lane that no rule is about. Reads the audience once.

    Raises RulesError.
    """
    if campaign.lane not in bound.lanes():
        return []
    lines = list(AllowedHours.objects.filter(enabled=True))
    return [_hours(country, contacts, lines) for country, contacts in audience.by_country(campaign)[:MOST]]


def _hours(country: str, contacts: int, lines: Iterable[AllowedHours]) -> CountryHours:
    by_area = {line.area: line.rule for line in lines}
    rule = by_area.get(country) or by_area.get("")
    states = sum(area.startswith(f"{country}-") for area in by_area)
    if rule is None:
        return CountryHours(country, contacts, False, states=states)
    return CountryHours(country, contacts, True, rule.weekday, rule.saturday, rule.sunday, rule.on_holidays, states)
