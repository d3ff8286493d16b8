"""Allowed hours and frequency caps as they are written, by whomever: checked before they are saved."""

from django.utils.translation import gettext as _

from contacts import areas, whereabouts
from contacts.unusable import Unusable
from delivery import clock
from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap
from delivery.models.timerules import OfArea
from delivery.timerules.bound import MAY_BE_BOUND
from delivery.timerules.opening import DayKind, Hours, NeverOpen, next_window


def check_hours(line: AllowedHours) -> None:
    """Raises Unusable. What would never let a text arrive is refused here, for nobody would notice it before the
    morning after."""
    _check_state(line)
    for kind in DayKind:
        opens, closes = getattr(line, f"{kind}_from"), getattr(line, f"{kind}_until")
        if (opens is None) != (closes is None):
            raise Unusable(f"{kind}_until", _("Give both times, or neither for a day without texts."))
        if opens is not None and closes is not None:
            try:
                Hours(opens, closes)
            except ValueError:
                why = _("This is before the hours begin. The end of the day is 00:00.")
                raise Unusable(f"{kind}_until", why) from None
    zones = whereabouts.zones_of_area(line.country, line.area)
    try:
        next_window(clock.now(), zones, [line.rule])
    except NeverOpen:
        where = ""
        if len(zones) > 1:
            where = " " + _("in all %(number)s time zones there at once") % {"number": len(zones)}
        raise Unusable("", _("These hours leave no moment that is allowed%(where)s.") % {"where": where}) from None


def check_cap(cap: FrequencyCap) -> None:
    """Raises Unusable."""
    _check_state(cap)
    if cap.lane is not None and Lane(cap.lane) not in MAY_BE_BOUND:
        known = ", ".join(lane.name.lower() for lane in MAY_BE_BOUND)
        raise Unusable("lane", _("Caps are about %s; what is urgent is not capped.") % known)
    others = FrequencyCap.objects.exclude(pk=cap.pk)
    if others.filter(country=cap.country, state=cap.state, lane=cap.lane, hours=cap.hours).exists():
        # Of two the lower one holds, so that the other says what is not true.
        raise Unusable("", _("There is a cap for the same place, category and time already: change that one."))


def _check_state(line: OfArea) -> None:
    if line.state and line.country in ("US", "CA") and line.area not in areas.AREA_CODES:
        raise Unusable("state", _("There is no such state; use its two letters, such as FL."))
