"""The allowed hours and caps that a new hub starts with. Staff edit them in admin; nothing here is legal advice.

They are gathered from secondary sources (what senders and providers publish about the laws and industry codes that are
named), not from the laws themselves: have them looked at before relying on them.
"""

from typing import Any

from delivery.lanes import Lane
from delivery.timerules.opening import OnHolidays

_EVERY_DAY = ("weekday", "saturday", "sunday")
_LISTED = "as listed in a provider's compliance tools; check it with your counsel"


def _hours(country: str, state: str, source: str, *, holidays: str = OnHolidays.SAME, **days: str) -> dict[str, Any]:
    """`days`: hours as "08:00-21:00" by kind of day; `every` for all that are not named; "" for none."""
    line: dict[str, Any] = {"country": country, "state": state, "source": source, "holidays": str(holidays)}
    for kind in _EVERY_DAY:
        opens, _, closes = days.get(kind, days.get("every", "")).partition("-")
        line |= {f"{kind}_from": opens or None, f"{kind}_until": closes or None}
    return line


ALLOWED_HOURS: tuple[dict[str, Any], ...] = (
    _hours("", "", "No law: the hours of the US federal rule, as the most common ones.", every="08:00-21:00"),
    _hours("US", "", "Federal rule on telephone solicitation (47 CFR 64.1200(c)(1)).", every="08:00-21:00"),
    *(
        _hours("US", state, f"{name}'s telephone solicitation law, {_LISTED}.", every="08:00-20:00")
        for state, name in (
            ("FL", "Florida"),
            ("OK", "Oklahoma"),
            ("MD", "Maryland"),
            ("MS", "Mississippi"),
            ("NJ", "New Jersey"),
            ("WA", "Washington"),
        )
    ),
    _hours("US", "CT", f"Connecticut's telephone solicitation law, {_LISTED}.", every="09:00-20:00"),
    _hours(
        "US",
        "TX",
        f"Texas' telephone solicitation law, {_LISTED}: from noon on Sundays.",
        every="09:00-21:00",
        sunday="12:00-21:00",
    ),
    _hours(
        "US",
        "RI",
        f"Rhode Island's telephone solicitation law, {_LISTED}: shorter at weekends.",
        weekday="09:00-18:00",
        every="10:00-17:00",
    ),
    _hours(
        "FR",
        "",
        "French industry code for marketing texts: none on Sundays and public holidays.",
        weekday="08:00-22:00",
        saturday="08:00-22:00",
        holidays=OnHolidays.NONE,
    ),
    *(
        _hours(country, "", f"Hours that providers recommend for {name}.", every="08:00-21:00")
        for country, name in (
            ("GB", "the United Kingdom"),
            ("IE", "Ireland"),
            ("DE", "Germany"),
            ("NL", "the Netherlands"),
            ("AU", "Australia"),
            ("NZ", "New Zealand"),
            ("CA", "Canada"),
        )
    ),
)

#: For marketing alone.
FREQUENCY_CAPS: tuple[dict[str, Any], ...] = tuple(
    {
        "country": "US",
        "state": state,
        "lane": Lane.BULK.value,
        "most": 3,
        "hours": 24,
        "over": "hold",
        "source": f"{name}'s telephone solicitation law, {_LISTED}: at most three in 24 hours on the same subject.",
    }
    for state, name in (("FL", "Florida"), ("OK", "Oklahoma"))
)
