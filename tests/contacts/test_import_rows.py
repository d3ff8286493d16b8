"""A record becomes a contact's values, or is rejected with a reason."""

import pytest

from contacts.importing.rows import FIXED, Rejected, Values, cleaner

HEADER = ("phone", "first", "last", "lang", "zone", "land", "city")
MAPPING = {
    "phone": "phone",
    "first": "first_name",
    "last": "last_name",
    "lang": "language",
    "zone": "time_zone",
    "land": "country",
    "city": "attribute:city",
}


def clean(*cells: str) -> dict[str, str | None]:
    values: Values = cleaner(header=HEADER, mapping=MAPPING, default_country="FR")(list(cells))
    return dict(zip((*FIXED, "first_name", "last_name", "city"), values, strict=True))


def test_a_full_row() -> None:
    assert clean(" 06 12 34 56 78", " Ann ", "Miller", "PT_br", "europe/paris", "be", " Lyon ") == {
        "phone": "+33612345678",
        "name": "Ann Miller",
        "language": "pt-BR",
        "time_zone": "Europe/Paris",
        "country": "BE",
        "number_time_zone": None,
        "number_country": "FR",
        "first_name": "Ann",
        "last_name": "Miller",
        "city": "Lyon",
    }


def test_empty_cells_say_nothing_and_the_number_tells_country_and_zone() -> None:
    values = clean("+33612345678", "", " ", "", "", "", "")
    assert values["number_country"] == "FR"
    assert values["number_time_zone"] == "Europe/Paris"
    assert {values[key] for key in ("name", "last_name", "language", "time_zone", "country", "city")} == {None}


def test_a_number_of_several_zones_gives_no_hint() -> None:
    assert clean("+79161234567", "", "", "", "", "", "")["number_time_zone"] is None


def test_padding_cells_are_passed_over() -> None:
    assert clean("+33612345678", "", "", "", "", "", "", "", " ")["phone"] == "+33612345678"


@pytest.mark.parametrize(
    ("cells", "reason", "message"),
    [
        (["+33612345678"], "fields", "The row has 1 fields instead of 7: look for a stray delimiter."),
        (
            ["+33612345678", "", "", "", "", "", "", "x"],
            "fields",
            "The row has 8 fields instead of 7: look for a stray delimiter.",
        ),
        (["", "", "", "", "", "", "x"], "empty", "There is no phone number."),
        (["call me", "", "", "", "", "", ""], "not_a_number", "This is not a phone number."),
        (["+33612", "", "", "", "", "", ""], "too_short", "The number is too short for France."),
        (["+33612345678", "x" * 201, "", "", "", "", ""], "name", "The name is longer than 200 characters."),
        (
            ["+33612345678", "", "", "French", "", "", ""],
            "language",
            "The language is not a language tag: write it like en or pt-BR.",
        ),
        (
            ["+33612345678", "", "", "", "Paris", "", ""],
            "time_zone",
            "The time zone is not a known one: write it like Europe/Paris.",
        ),
        (
            ["+33612345678", "", "", "", "", "France", ""],
            "country",
            "The country is not a known one: use its two letters, such as FR.",
        ),
        (["+33612345678", "", "", "", "", "", "x" * 1001], "attribute", "“city” is longer than 1,000 characters."),
    ],
)
def test_rejections(cells: list[str], reason: str, message: str) -> None:
    with pytest.raises(Rejected) as rejected:
        clean(*cells)
    assert (rejected.value.reason, rejected.value.message) == (reason, message)
