"""Where a recipient is: from the surest hint to the vaguest, and every zone that is possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.geodata import data0

from contacts import areas, phone
from contacts.whereabouts import NO_HINTS, Hints, find, is_zone, zones_of_country

EASTERN, PACIFIC = ("America/New_York",), ("America/Los_Angeles",)


@pytest.mark.parametrize(
    ("number", "hints", "regions", "zones"),
    [
        ("+14155550100", NO_HINTS, ("US-CA",), PACIFIC),
        ("+13055550100", NO_HINTS, ("US-FL",), EASTERN),
        ("+13055550100", Hints("America/Chicago"), ("US-FL",), ("America/Chicago",)),
        ("+14155550100", Hints(state="ny"), ("US-CA", "US-NY"), EASTERN),
        ("+14155550100", Hints(postal_code="33101-1234"), ("US-CA", "US-FL"), ("America/Chicago", "America/New_York")),
        ("+14155550100", Hints(time_zone="nowhere", state="??", postal_code="1"), ("US-CA",), PACIFIC),
        ("+14165550100", NO_HINTS, ("CA-ON",), ("America/Toronto",)),
        ("+33612345678", NO_HINTS, (), ("Europe/Paris",)),
        ("+870773111632", NO_HINTS, (), ("Etc/UTC",)),
    ],
)
def test_the_surest_hint_decides(number: str, hints: Hints, regions: tuple[str, ...], zones: tuple[str, ...]) -> None:
    place = find(number, phone.country(number), hints)
    assert (place.regions, place.zones) == (regions, zones)


@pytest.mark.parametrize("number", ["+18005550100", "+61412345678", "+79161234567"])
def test_where_the_number_does_not_tell_every_zone_of_the_country_is_possible(number: str) -> None:
    country = phone.country(number)
    assert set(find(number, country).zones) <= set(zones_of_country(country))
    assert len(find(number, country).zones) > 4


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_whatever_a_contact_says_there_is_a_place_with_real_zones(zone: str, state: str, postal_code: str) -> None:
    place = find("+14155550100", "US", Hints(zone, state, postal_code))
    assert place.zones
    assert all(is_zone(each) for each in place.zones)


def test_area_codes_are_where_the_numbering_plan_has_them() -> None:
    """By the library's own descriptions, as far as the part of them that is read here goes."""
    names = {"California": "US-CA", "Florida": "US-FL", "Texas": "US-TX", "Ontario": "CA-ON", "New Jersey": "US-NJ"}
    described = {key[1:]: text.get("en") for key, text in data0.data.items() if key[0] == "1" and len(key) == 4}
    known = {code: names[name] for code, name in described.items() if name in names}
    assert known
    assert {code: areas.of_area_code(code) for code in known} == known


@pytest.mark.parametrize(
    ("country", "code", "region"),
    [
        ("US", "33101", "US-FL"),
        ("US", "73301", "US-TX"),
        ("US", "00501", "US-NY"),
        ("US", "3310", ""),
        ("CA", "M5V 3L9", "CA-ON"),
        ("CA", "QQQ", ""),
        ("GB", "33101", ""),
    ],
)
def test_postal_codes(country: str, code: str, region: str) -> None:
    assert areas.of_postal_code(country, code) == region
