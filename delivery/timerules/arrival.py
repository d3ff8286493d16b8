"""When a new message may arrive: what its row is written with. The claim looks again, by the rules of its moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contacts import whereabouts
from contacts.whereabouts import Hints
from delivery import clock
from delivery.states import WaitsFor
from delivery.timerules import bound, caps, places
from delivery.timerules.caps import Asked


class Recipient(NamedTuple):
    phone: str
    country: str
    """Of the number."""
    hints: Hints = whereabouts.NO_HINTS


@dataclass(frozen=True, slots=True)
class Arrival:
    """`until`: it is held so long by the rule that `waits_for` names, or never sent; None: it may leave at once."""

    place_id: int | None = None
    until: datetime | None = None
    waits_for: str = ""
    never: bool = False


AT_ONCE = Arrival()


def arrivals(recipients: Sequence[Recipient], lane: int) -> list[Arrival]:
    """For each recipient, in order. Three queries, however many they are; none for a lane that no rule is about."""
    if lane not in bound.lanes() or not recipients:
        return [AT_ONCE] * len(recipients)
    found = [whereabouts.find(*recipient) for recipient in recipients]
    known = places.known(set(found))
    full = {}
    if caps.any_for(lane):
        full = caps.full([Asked(r.phone, known[place].id) for r, place in zip(recipients, found, strict=True)], lane)
    now, result = clock.now(), []
    for recipient, place in zip(recipients, found, strict=True):
        standing, used_up = known[place], full.get(recipient.phone)
        if standing.opens_at > now:
            result.append(Arrival(standing.id, standing.opens_at, WaitsFor.QUIET_HOURS.value))
        elif used_up:
            result.append(Arrival(standing.id, used_up.room_at, WaitsFor.FREQUENCY_CAP.value, used_up.not_sent))
        else:
            result.append(Arrival(standing.id))
    return result


def arrivals_by_lane(asked: Sequence[tuple[str, str, int]]) -> list[Arrival]:
    """The same for (E.164 number, its country, lane), in order, with what contacts say of where they are."""
    result = [AT_ONCE] * len(asked)
    for lane in {lane for _, _, lane in asked} & set(bound.lanes()):
        which = [n for n, (_, _, its_lane) in enumerate(asked) if its_lane == lane]
        hints = whereabouts.hints_of([asked[n][0] for n in which])
        recipients = [Recipient(asked[n][0], asked[n][1], hints.get(asked[n][0], whereabouts.NO_HINTS)) for n in which]
        for n, arrival in zip(which, arrivals(recipients, lane), strict=True):
            result[n] = arrival
    return result
