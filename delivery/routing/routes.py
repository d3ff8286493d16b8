"""The table as it stands in the database, with prices: read once for a message or for a batch of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext

from delivery import prices
from delivery.models import TEST_PROVIDER, Sender
from delivery.models import Route as RouteRow
from delivery.prices import PriceList
from delivery.routing.table import FULL, Choice, Route, Table

#: A provider that is switched off has no health: what belongs to it waits there unless another can take it.
SELECT = """
SELECT route.id, route.country, route.lane, route."order", route.weight, route.sender_id, sender.provider_id,
       route.enabled AND sender.enabled,
       CASE WHEN provider.enabled THEN COALESCE(health.factor, 100) ELSE 0 END, sender.address, provider.name
FROM delivery_route AS route
JOIN delivery_sender AS sender ON sender.id = route.sender_id
JOIN delivery_provider AS provider ON provider.id = sender.provider_id
LEFT JOIN delivery_providerhealth AS health ON health.provider_id = provider.id
WHERE route.channel = %(channel)s AND provider.id <> %(not_by)s
"""
#: The default sender as a line of id 0, which is no route's.
_AND_DEFAULT = f"""
UNION ALL
SELECT 0, '', NULL, 0, 1, sender.id, sender.provider_id, sender.enabled, {FULL}, sender.address, provider.name
FROM delivery_sender AS sender JOIN delivery_provider AS provider ON provider.id = sender.provider_id
WHERE sender.is_default AND provider.id <> %(not_by)s
"""
_ABOUT = " AND route.country IN ('', %(country)s) AND (route.lane IS NULL OR route.lane = %(lane)s)"
#: Whatever the table says, nothing that is chosen leaves by the test carrier.
PARAMETERS: dict[str, Any] = {"channel": RouteRow.Channel.SMS.value, "not_by": TEST_PROVIDER}


@dataclass(frozen=True, slots=True)
class Ways:
    """Everything that says where messages go and what they cost, at one moment.

    `fixed` is a sender that was named: then nothing is chosen. Without a route that counts, the default sender serves.
    """

    table: Table
    prices: PriceList
    default: Route | None = None
    fixed: Route | None = None

    @property
    def routed(self) -> bool:
        return self.fixed is None

    def by(self, sender: Sender) -> "Ways":
        """The same prices, and a sender that was named."""
        return replace(self, fixed=as_route(sender))

    def to(self, recipient: str, country: str, lane: int) -> Route | None:
        """The way of one message, None: there is none.

        Where all that counts is switched off it is the first of that: nobody is skipped because a sender is being
        set right, and the message waits there until it is, or goes another way then.
        """
        if self.fixed:
            return self.fixed
        lines = self.table.lines(country, lane)
        if not lines:
            return self.default
        return self.table.choose(recipient, country, lane) or lines[0]

    def explain(self, recipient: str, country: str, lane: int) -> Choice:
        """Where a message without a named sender would go now, and why."""
        if self.table.lines(country, lane):
            return self.table.explain(recipient, country, lane)
        if self.default is None:
            return Choice(None, gettext("No route is about this destination, and no sender is the default."))
        said = gettext("No route is about this destination: the default sender, %(sender)s, serves.") % {
            "sender": self.default.sender
        }
        return Choice(self.default, said if self.default.on else said + " " + gettext("It is switched off."))

    def cost(self, route: Route, country: str, segments: int) -> Decimal:
        return segments * self.prices.of(route.provider_id, country)


def build(rows: Iterable[Sequence[Any]]) -> Table:
    return Table(Route(*row) for row in rows)


def table() -> Table:
    return build(_read(SELECT, PARAMETERS))


def ways() -> Ways:
    """For any number of messages."""
    return _ways(_read(SELECT + _AND_DEFAULT, PARAMETERS), prices.price_list())


def ways_to(country: str, lane: int) -> Ways:
    """For one destination: reads no more of the table, and of the prices, than what may count for it."""
    about = PARAMETERS | {"country": country, "lane": lane}
    return _ways(_read(SELECT + _ABOUT + _AND_DEFAULT, about), prices.price_list(country))


def way_of(sender: Sender, country: str | None = None) -> Ways:
    """A named sender, to anywhere or to one country."""
    return Ways(Table(()), prices.price_list(country), fixed=as_route(sender))


def any_at_all() -> bool:
    """Whether there is any route, about whatever: then a destination without one is meant to have none."""
    return RouteRow.objects.exists()


def as_route(sender: Sender) -> Route:
    return Route(
        id=0,
        country="",
        lane=None,
        order=0,
        weight=1,
        sender_id=sender.pk,
        provider_id=sender.provider_id,
        on=sender.enabled,
        sender=sender.address,
        provider=sender.provider.name,
    )


def as_sender(route: Route) -> Sender:
    """The sender of a route; what the route does not know of it is read when it is asked for."""
    known = {"id": route.sender_id, "provider_id": route.provider_id, "address": route.sender}
    return Sender.from_db(None, list(known), list(known.values()))


def _ways(rows: Sequence[Sequence[Any]], price_list: PriceList) -> Ways:
    """`rows` with the default sender among them."""
    default = next((Route(*row) for row in rows if not row[0]), None)
    return Ways(build(row for row in rows if row[0]), price_list, default)


def _read(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
