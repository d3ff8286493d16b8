"""Choosing a route: the table as frozen data in, one route out. Knows no database, no clock and no chance.

1. Of the routes of a channel those count that say most about the destination: its country and its lane, else its
   country, else its lane, else those for any.
2. Their tiers are gone through in order. A tier that is well takes everything; one whose best route has lost some
   of its provider's health takes that share of the recipients, the next tier the rest.
3. Within a tier a recipient has one route, by weighted rendezvous hashing: each route draws a number from its
   sender and the recipient, and the largest wins. So as long as weights stay, everybody keeps their sender, and when
   one weight changes only those move whom that sender wins or loses.

Routes that are switched off, or whose sender or provider is, are never chosen. When all that is left has no health,
the first tier takes it by the plain weights: it waits for the best there is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import log
from typing import NamedTuple

from django.utils.translation import gettext as _

from contacts.wording import figure

#: Full health: a provider gets all of the weight that its routes have.
FULL = 100

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table, with what is known of its sender and provider."""

    id: int
    country: str
    """ISO 3166; empty: any."""
    lane: int | None
    order: int
    weight: int
    sender_id: int
    provider_id: int
    on: bool = True
    """Whether the route, its sender and its provider are all switched on."""
    factor: int = FULL
    """The provider's health in percent."""
    sender: str = ""
    provider: str = ""

    @property
    def pull(self) -> int:
        return self.weight * self.factor if self.on else 0


class Choice(NamedTuple):
    route: Route | None
    why: str
    """In words, for whoever asks where a message would go."""


_Key = tuple[str, int | None]
_Refuse = Callable[[Route], bool]


class Table:
    """The routes of one channel at one moment."""

    def __init__(self, routes: Iterable[Route]) -> None:
        found: dict[_Key, list[Route]] = defaultdict(list)
        for route in sorted(routes, key=lambda route: (route.order, route.id)):
            found[route.country, route.lane].append(route)
        self._sets: Mapping[_Key, tuple[Route, ...]] = {key: tuple(lines) for key, lines in found.items()}
        self._plans = {key: _plan(lines) for key, lines in self._sets.items()}

    def __bool__(self) -> bool:
        return bool(self._sets)

    def lines(self, country: str, lane: int) -> tuple[Route, ...]:
        """The routes that count for a destination, in order; none: the table says nothing about it."""
        return self._sets.get(self._key(country, lane), ())

    def sets(self) -> Iterable[tuple[Route, ...]]:
        return self._sets.values()

    def countries(self, lane: int) -> set[str]:
        """Those that some line for this lane names; "": the rest."""
        return {country for country, about in self._sets if about in (None, lane)}

    def is_dead(self, country: str, lane: int) -> bool:
        """Whether there are routes for a destination, all of them switched off."""
        lines = self.lines(country, lane)
        return bool(lines) and not any(route.on for route in lines)

    def choose(self, recipient: str, country: str, lane: int, *, refused: _Refuse | None = None) -> Route | None:
        """The recipient's route; None: nothing that counts for it is switched on. `refused` leaves routes out."""
        if refused:
            plan = _plan(route for route in self.lines(country, lane) if not refused(route))
        else:
            plan = self._plans.get(self._key(country, lane), ())
        if not plan:
            return None
        if len(plan) == 1 and len(plan[0].pulls) == 1:
            return plan[0].pulls[0][0]
        seed = _seed(recipient)
        for tier in plan:
            if tier is plan[-1] or FULL * _draw(seed, tier.order) < tier.best:
                return _winner(tier.pulls, seed)
        raise AssertionError("the last tier takes what is left")

    def explain(self, recipient: str, country: str, lane: int) -> Choice:
        """The same choice, in words."""
        lines = self.lines(country, lane)
        route = self.choose(recipient, country, lane)
        if not lines:
            return Choice(None, _("No route is about this destination."))
        said = [_("The routes for %(about)s count here.") % {"about": _about(lines[0])}]
        if off := [line for line in lines if not line.on]:
            said.append(
                _("%(off)s of %(lines)s are switched off, or their sender or provider is.")
                % {"off": len(off), "lines": len(lines)}
            )
        if route is None:
            return Choice(None, " ".join([*said, "None of them is left."]))
        said += [
            _("%(provider)s gets %(factor)s %% of its weight, for it is not well.")
            % {"provider": line.provider, "factor": line.factor}
            for line in {line.provider_id: line for line in lines if line.on and line.factor < FULL}.values()
        ]
        rivals = [line for line in lines if line.on and line.order == route.order]
        whole, drawn = sum(line.pull for line in rivals), route.pull
        if not whole:
            whole, drawn = sum(line.weight for line in rivals), route.weight
            said.append(_("No provider is well: it waits for the first choice."))
        share = _("%(drawn)s %% of tier %(order)s") % {"drawn": figure(100 * drawn / whole, 0), "order": route.order}
        said.append(
            _("This recipient belongs to %(sender)s of %(provider)s, which has %(share)s.")
            % {"sender": route.sender, "provider": route.provider, "share": share}
        )
        return Choice(route, " ".join(said))

    def _key(self, country: str, lane: int) -> _Key:
        for key in ((country, lane), (country, None), ("", lane)):
            if key in self._sets:
                return key
        return "", None


def _about(route: Route) -> str:
    # The lane's name is known to the floor above this module; a number would say nothing.
    country = route.country or _("any country")
    return (
        _("%(country)s and this lane") % {"country": country}
        if route.lane is not None
        else _("%(country)s and any lane") % {"country": country}
    )


class _Tier(NamedTuple):
    order: int
    best: int
    """The factor of its best route."""
    pulls: tuple[tuple[Route, int], ...]


def _plan(lines: Iterable[Route]) -> tuple[_Tier, ...]:
    """The tiers that have health; where none has, the first one by its plain weights."""
    tiers: dict[int, list[Route]] = {}
    for route in lines:
        if route.on:
            tiers.setdefault(route.order, []).append(route)
    healthy = []
    for order, tier in tiers.items():
        if pulls := tuple((route, route.pull) for route in tier if route.pull):
            healthy.append(_Tier(order, max(route.factor for route, _ in pulls), pulls))
    if healthy or not tiers:
        return tuple(healthy)
    order, tier = next(iter(tiers.items()))
    return (_Tier(order, FULL, tuple((route, route.weight) for route in tier)),)


def _winner(pulls: tuple[tuple[Route, int], ...], seed: int) -> Route:
    """Weighted rendezvous: of exponential draws with these rates, each is the least as often as its share says."""
    if len(pulls) == 1:
        return pulls[0][0]
    return min(pulls, key=lambda one: (-log(1.0 - _draw(seed, one[0].sender_id)) / one[1], one[0].id))[0]


def _seed(recipient: str) -> int:
    return int.from_bytes(blake2b(recipient.encode(), digest_size=8).digest())


def _draw(seed: int, salt: int) -> float:
    """A number in [0, 1) from both, by the finisher of SplitMix64."""
    mixed = (seed ^ (salt * 0x9E3779B97F4A7C15)) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) * 2.0**-53
