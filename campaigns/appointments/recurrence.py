"""Recurrence rules (RFC 5545 §3.3.10), as far as they are sure to come to their next time soon.

A rule that never comes true, such as the 31st of February, would be looked for until the end of the calendar; so would
one of every second fill a disk. What is allowed here cannot do either: each rule comes true at least once in eight
years, and no more than MOST_A_DAY times a day.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import cast

from dateutil.rrule import rrule, rrulestr
from django.utils.translation import gettext as _

MOST_A_DAY = 24
MAX_RULE = 300
MAX_INTERVAL = 1000

_PARTS: dict[str, frozenset[str]] = {
    "DAILY": frozenset(),
    "WEEKLY": frozenset({"BYDAY"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY", "BYSETPOS"}),
    "YEARLY": frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH"}),
}
_ANY = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYHOUR", "BYMINUTE", "BYSECOND"})
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class UnusableRule(ValueError):
    """The text says why, for whoever wrote the rule."""


def check(text: str) -> str:
    """The rule as it is kept: in capitals, without `RRULE:`. Raises UnusableRule."""
    rule = text.strip().upper().removeprefix("RRULE:")
    if len(rule) > MAX_RULE or not rule.isascii():
        raise UnusableRule(_("The rule is too long, or has characters that no rule has."))
    parts = _parts(rule)
    frequency = parts.get("FREQ", "")
    if frequency not in _PARTS:
        raise UnusableRule(_("FREQ must be one of %(parts)s.") % {"parts": ", ".join(_PARTS)})
    if unknown := set(parts) - _ANY - _PARTS[frequency]:
        raise UnusableRule(
            _("%(unknown)s cannot be used with FREQ=%(frequency)s.")
            % {"unknown": sorted(unknown)[0], "frequency": frequency}
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise UnusableRule(_("Give COUNT or UNTIL, not both."))
    interval = _numbers(parts, "INTERVAL", 1, MAX_INTERVAL) or [1]
    _numbers(parts, "COUNT", 1, 100_000)
    hours, minutes = (_numbers(parts, name, 0, most) or [0] for name, most in (("BYHOUR", 23), ("BYMINUTE", 59)))
    if len(set(hours)) * len(set(minutes)) > MOST_A_DAY or _numbers(parts, "BYSECOND", 0, 0) not in ([], [0]):
        raise UnusableRule(_("At most %(most_a_day)s times a day, at whole minutes.") % {"most_a_day": MOST_A_DAY})
    _check_days(parts, frequency, interval[0])
    try:
        rrulestr(rule, dtstart=datetime(2026, 1, 1))  # noqa: DTZ001  (local)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
        raise UnusableRule(_("The rule cannot be read; it is written as FREQ=WEEKLY;BYDAY=MO,TH.")) from None
    return rule


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise UnusableRule(_("The rule cannot be read; it is written as FREQ=WEEKLY;BYDAY=MO,TH."))
        parts[name] = value
    return parts


def _numbers(parts: dict[str, str], name: str, least: int, most: int) -> list[int]:
    if name not in parts:
        return []
    try:
        numbers = [int(number) for number in parts[name].split(",")]
    except ValueError:
        numbers = [least - 1]
    if not all(least <= number <= most for number in numbers):
        raise UnusableRule(
            _("%(name)s must be from %(least)s to %(most)s.") % {"name": name, "least": least, "most": most}
        )
    return numbers


def _check_days(parts: dict[str, str], frequency: str, interval: int) -> None:
    """Days that exist whenever they are asked for, or soon after."""
    days = [day for day in parts.get("BYDAY", "").split(",") if day]
    places = [day[:-2] for day in days]
    if not all(
        day[-2:] in _DAYS and place in ("", *_places(frequency)) for day, place in zip(days, places, strict=True)
    ):
        raise UnusableRule(
            _("BYDAY lists days such as MO, and with months the first to the fourth or the last: 1MO, -1FR.")
        )
    if days and "BYMONTHDAY" in parts:
        raise UnusableRule(_("Give BYDAY or BYMONTHDAY, not both."))
    if "BYSETPOS" in parts and (not days or parts["BYSETPOS"] not in ("1", "-1")):
        raise UnusableRule(_("BYSETPOS is 1 or -1, with BYDAY."))
    most = 31 if interval == 1 and frequency == "MONTHLY" else 28
    if any(day > most or day < -most or not day for day in _numbers(parts, "BYMONTHDAY", -31, 31)):
        raise UnusableRule(
            _("BYMONTHDAY must be from 1 to %(most)s, or from -%(most)s to -1, with this rule.") % {"most": most}
        )
    _numbers(parts, "BYMONTH", 1, 12)


def _places(frequency: str) -> tuple[str, ...]:
    return ("1", "2", "3", "4", "-1", "-2", "-3", "-4") if frequency in ("MONTHLY", "YEARLY") else ()


def between(rule: str, *, start: datetime, first: datetime, last: datetime, most: int) -> list[datetime]:
    """The local times of a checked rule from `first` to `last`, both of them, `most` at the most. All naive."""
    found: Iterator[datetime] = iter(_rrule(rule, start))
    return list(islice((at for at in takewhile(lambda at: at <= last, found) if at >= first), most))


def _rrule(rule: str, start: datetime) -> rrule:
    # One RRULE is never a set.
    return cast(rrule, rrulestr(rule, dtstart=start, ignoretz=True))
