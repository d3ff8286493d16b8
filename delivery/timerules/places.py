"""Places and their windows: what the claim compares with the time, kept true by the clock and by whoever edits rules.

Everyone who writes a window does so under one lock and reads the rules after having it: so of a rule that is saved and
a window that is moved on at the same time, the new rule has the last word.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from contacts import whereabouts
from delivery import clock
from delivery.models import AllowedHours
from delivery.models import Place as PlaceRow
from delivery.timerules.days import calendar_day, holidays_of
from delivery.timerules.opening import HORIZON, NeverOpen, OnHolidays, Rule, Window, next_window, no_holidays

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('smshub places', 0))"
_WINDOW = ["opens_at", "closes_at", "day_began", "day_ends"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A place as it is known, and the window that it has or will have next."""

    id: int
    opens_at: datetime
    closes_at: datetime


def rules() -> dict[str, Rule]:
    """The rules that are switched on, by area: "US-FL", "US", "" for any other country."""
    return {line.area: line.rule for line in AllowedHours.objects.filter(enabled=True)}


def rules_of(place: whereabouts.Place, by_area: dict[str, Rule]) -> tuple[Rule, ...]:
    """What holds at a place: of each of its states its own rule, else the country's, else that for any other."""
    areas = place.regions or (place.country,)
    found = (by_area.get(area) or by_area.get(place.country) or by_area.get("") for area in areas)
    return tuple(dict.fromkeys(rule for rule in found if rule))


def window(place: whereabouts.Place, by_area: dict[str, Rule], moment: datetime) -> Window:
    """The window that a moment is in, else the next one. What no rule ever lets in is looked at again after HORIZON."""
    found = rules_of(place, by_area)
    asks = any(rule.on_holidays is not OnHolidays.SAME for rule in found)
    try:
        return next_window(moment, place.zones, found, holidays_of(place) if asks else no_holidays)
    except NeverOpen:
        return Window(moment + HORIZON, moment + HORIZON)


def known(places: Collection[whereabouts.Place]) -> dict[whereabouts.Place, Standing]:
    """Each of these places, with its window at present; those that are new are written down. In a transaction."""
    by_key = {_key(place): place for place in places}
    now = clock.now()
    found = _read(by_key)
    if len(found) < len(by_key) or any(standing.closes_at <= now for standing in found.values()):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        by_area = rules()
        new = [_row(by_key[key], by_area, now) for key in sorted(by_key.keys() - found.keys())]
        PlaceRow.objects.bulk_create(new, ignore_conflicts=True)
        _judge(PlaceRow.objects.filter(key__in=by_key, closes_at__lte=now), by_area, now)
        found = _read(by_key)
    return {by_key[key]: standing for key, standing in found.items()}


def move_on() -> bool:
    """Give places whose window or day is over the next one. Whether any window closed."""
    now = clock.now()
    over = PlaceRow.objects.filter(Q(closes_at__lte=now) | Q(day_ends__lte=now))
    if not over.exists():
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        return _judge(over, rules(), now)


def judge_all() -> None:
    """After a rule was changed: from this commit on all that is not yet claimed goes by the rules as they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        _judge(PlaceRow.objects.all(), rules(), clock.now())


def _judge(rows: Iterable[PlaceRow], by_area: dict[str, Rule], now: datetime) -> bool:
    judged = [_judged(row, by_area, now) for row in rows]
    PlaceRow.objects.bulk_update(judged, _WINDOW, batch_size=500)
    return any(row.opens_at > now for row in judged)


def _judged(row: PlaceRow, by_area: dict[str, Rule], now: datetime) -> PlaceRow:
    place = whereabouts.Place(row.country, tuple(row.regions), tuple(row.zones))
    open_now = window(place, by_area, now)
    row.opens_at, row.closes_at = open_now.opens, open_now.closes
    row.day_began, row.day_ends = calendar_day(now, place.zones)
    return row


def _row(place: whereabouts.Place, by_area: dict[str, Rule], now: datetime) -> PlaceRow:
    row = PlaceRow(key=_key(place), country=place.country, regions=list(place.regions), zones=list(place.zones))
    return _judged(row, by_area, now)


def _key(place: whereabouts.Place) -> str:
    return "|".join((place.country, ",".join(place.regions), ",".join(place.zones)))


def _read(keys: Collection[str]) -> dict[str, Standing]:
    rows = PlaceRow.objects.filter(key__in=keys).values_list("key", "id", "opens_at", "closes_at")
    return {key: Standing(pk, opens_at, closes_at) for key, pk, opens_at, closes_at in rows}
