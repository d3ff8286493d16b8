"""What one text costs where, before anybody is chosen: by the routes and the price list as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from delivery.routing import routes


@dataclass(frozen=True, slots=True)
class Cost:
    """In a country, in the hub's currency. Without a sender nothing leads there, and it costs nothing to say so."""

    country: str
    sender: str | None
    provider: str | None
    cost: Decimal | None
    currency: str


def costs(segments: int, countries: Sequence[str], lane: int) -> list[Cost]:
    """One for each country, in order. Routes and prices are read once for all of them.

    Where several senders share a country, it is by the one that a route would choose without a recipient: a figure to
    plan with. What a message did cost stands at the message.
    """
    if not countries:
        return []
    ways = routes.ways()
    found = []
    for country in countries:
        way = ways.to("", country, lane)
        if way is None:
            found.append(Cost(country, None, None, None, settings.CURRENCY))
        else:
            cost = ways.cost(way, country, segments)
            found.append(Cost(country, way.sender, way.provider, cost, settings.CURRENCY))
    return found
