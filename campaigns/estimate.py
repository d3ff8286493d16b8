"""What a campaign would cost in each country, and how long its sending would take: by the routes, prices and rates as
they are now, and the mean length of its texts.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from campaigns import audience
from campaigns.models import Campaign
from delivery.models import CountryLimit, Provider, Sender
from delivery.routing.routes import Ways
from delivery.routing.table import Route


@dataclass(frozen=True, slots=True)
class Country:
    """`country` is ISO 3166, "": of none. The cost is in the hub's currency."""

    country: str
    contacts: int
    segments: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    """`countries` with a way to them, the largest first. `cost` is their sum.

    `takes` is the time from the first to the last message where nothing else is sent and no hour is forbidden, `by`
    what it is held to: the slowest sender, provider or country limit, or "" where the campaign is spread over a time.
    """

    countries: tuple[Country, ...]
    cost: Decimal
    takes: timedelta
    by: str

    @property
    def contacts(self) -> int:
        """In all of the countries."""
        return sum(country.contacts for country in self.countries)


def of(campaign: Campaign, ways: Ways, *, contacts: int, segments: float) -> Estimate:
    """Of so many `contacts` with so many `segments` each. One pass over the audience, in the database.

    Who is where is counted among all who are not suppressed, and scaled to `contacts`.
    """
    reached = [
        (country, number, shares)
        for country, number in audience.by_country(campaign)
        if (shares := list(_shares(ways, country, campaign.lane)))
    ]
    scale = contacts / max(1, sum(number for _, number, _ in reached))
    countries, load = [], _Load()
    for country, number, shares in reached:
        each = segments * number * scale
        cost = Decimal(0)
        for route, share in shares:
            cost += Decimal(each * share) * ways.cost(route, country, 1)
            load.add(route, country, each * share)
        countries.append(Country(country, round(number * scale), round(each), cost.quantize(Decimal("0.01"))))
    seconds, by = load.slowest()
    spread = (campaign.spread_minutes or 0) * 60
    return Estimate(
        countries=tuple(countries),
        cost=sum((country.cost for country in countries), Decimal(0)),
        takes=timedelta(seconds=max(seconds, spread)),
        by=by if seconds >= spread else "",
    )


def _shares(ways: Ways, country: str, lane: int) -> Iterator[tuple[Route, float]]:
    """The routes that share a country's recipients while all is as it is, with the part of each."""
    lines = [line for line in ways.table.lines(country, lane) if line.pull]
    if ways.fixed or not lines:
        if way := ways.to("", country, lane):
            yield way, 1.0
        return
    first = [line for line in lines if line.order == lines[0].order]
    whole = sum(line.pull for line in first)
    for line in first:
        yield line, line.pull / whole


class _Load:
    """Segments by all that has a rate."""

    def __init__(self) -> None:
        self.senders: defaultdict[int, float] = defaultdict(float)
        self.providers: defaultdict[int, float] = defaultdict(float)
        self.countries: defaultdict[tuple[int, str], float] = defaultdict(float)

    def add(self, route: Route, country: str, segments: float) -> None:
        self.senders[route.sender_id] += segments
        self.providers[route.provider_id] += segments
        self.countries[route.provider_id, country] += segments

    def slowest(self) -> tuple[float, str]:
        """Seconds, and whose limit it is. Three reads."""
        found = [
            (self.senders[pk] / rate, address)
            for pk, address, rate in Sender.objects.filter(pk__in=self.senders).values_list("pk", "address", "rate")
            if rate
        ]
        found += [
            (self.providers[pk] / rate, name)
            for pk, name, rate in Provider.objects.filter(pk__in=self.providers).values_list("pk", "name", "rate")
            if rate
        ]
        limits = CountryLimit.objects.filter(provider__in=self.providers).select_related("provider")
        found += [
            (self.countries[limit.provider_id, limit.country] / limit.rate, f"{limit.provider.name}, {limit.country}")
            for limit in limits
        ]
        return max(found, default=(0.0, ""))
