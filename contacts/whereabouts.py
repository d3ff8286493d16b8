"""Where a recipient is, as far as anybody knows: the country, the states whose law may hold, the time zones possible.

The contact's own time zone comes first, then its state or postal code, then the number's area, then its country. Where
several zones or states are left, all of them are meant: whoever asks must be right in each.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import connection

from contacts import areas, phone

#: Of a number that belongs to no country, such as a satellite phone's.
NOWHERE = "Etc/UTC"

#: What a query reads of `contacts_contact AS contact` for `find`, in the order of `Hints`. Attributes are what people
#: call them; the first that is there counts.
HINTS_SQL = """
COALESCE(contact.time_zone, ''),
COALESCE(contact.attributes->>'state', contact.attributes->>'province', contact.attributes->>'region', ''),
COALESCE(contact.attributes->>'postal_code', contact.attributes->>'postcode', contact.attributes->>'zip', '')
"""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a contact says of where it is, in any form; empty: nothing."""

    time_zone: str = ""
    state: str = ""
    postal_code: str = ""


NO_HINTS = Hints()

_HINTS_OF = f"SELECT contact.phone, {HINTS_SQL} FROM contacts_contact AS contact WHERE contact.phone = ANY(%s)"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """`country`: ISO 3166, "" for none. `regions`: ISO 3166-2, sorted; the US and Canada only. `zones`: never empty."""

    country: str
    regions: tuple[str, ...]
    zones: tuple[str, ...]


def hints_of(phones: Collection[str]) -> dict[str, Hints]:
    """What the contacts with these numbers say, as far as there are any."""
    with connection.cursor() as cursor:
        cursor.execute(_HINTS_OF, [list(phones)])
        return {number: Hints(*said) for number, *said in cursor.fetchall()}


def find(e164: str, country: str, hints: Hints = NO_HINTS) -> Place:
    """The place of a number that belongs to `country` (`phone.country`). Never raises, whatever the hints say.

    Made for a million numbers: what is alike but for its last digits is looked up once.
    """
    return _find(_prefix(e164, country), country, hints.time_zone[:64], hints.state[:16], hints.postal_code[:16])


def _prefix(e164: str, country: str) -> str:
    """As much of the number as tells where it is: for most countries nothing, in North America seven digits."""
    if e164.startswith("+1"):
        return e164[:8]
    return "" if len(zones_of_country(country)) == 1 else e164


@lru_cache(maxsize=16_384)
def _find(prefix: str, country: str, time_zone: str, state: str, postal_code: str) -> Place:
    said = areas.known(country, state) or areas.of_postal_code(country, postal_code)
    area = areas.of_area_code(prefix[2:5]) if prefix.startswith("+1") else ""
    # A number that was carried along: the law of where it is from is presumed to hold, and so is that of where it is.
    regions = tuple(sorted({region for region in (said, area) if region.startswith(country or "-")}))
    if is_zone(time_zone):
        zones: tuple[str, ...] = (time_zone,)
    elif said and said != area:
        zones = _zones_of_region(said)
    else:
        zones = _zones_of_number(prefix, country) or zones_of_country(country)
    return Place(country, regions, zones or zones_of_country(country))


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether this is an IANA time zone that the machine knows."""
    if not name or name.startswith(("/", ".")) or len(name) > 64:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        return False
    return True


@lru_cache(maxsize=512)
def zones_of_country(country: str) -> tuple[str, ...]:
    """All zones of a country, sorted; UTC for none."""
    from babel.core import get_global

    found = get_global("territory_zones").get(country, ())
    return tuple(sorted(zone for zone in found if is_zone(zone))) or (NOWHERE,)


def zones_of_area(country: str, area: str) -> tuple[str, ...]:
    """All zones of a state ("US-FL"), or of a country."""
    return (_zones_of_region(area) if "-" in area else ()) or zones_of_country(country)


def _zones_of_number(prefix: str, country: str) -> tuple[str, ...]:
    if not prefix.startswith("+1"):
        # A calling code that countries share brings the others' zones as well.
        return tuple(sorted(set(phone.time_zones(prefix)) & set(zones_of_country(country)))) if prefix else ()
    from phonenumbers.tzdata import TIMEZONE_DATA

    digits = prefix[1:]
    # "1" alone is the whole plan, from Guam to Bermuda: of a toll-free number the country is the better hint.
    found = next((TIMEZONE_DATA[digits[:end]] for end in range(7, 3, -1) if digits[:end] in TIMEZONE_DATA), ())
    return tuple(sorted(zone for zone in found if is_zone(zone)))


@lru_cache(maxsize=128)
def _zones_of_region(region: str) -> tuple[str, ...]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    codes = {f"1{code}" for code in areas.AREA_CODES.get(region, "").split()}
    found = {zone for prefix, zones in TIMEZONE_DATA.items() if prefix[:4] in codes for zone in zones}
    return tuple(sorted(zone for zone in found if is_zone(zone)))
