"""How much of a number is shown to whoever may not see it whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import masking

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        ("+447700900123", "+44 •••••••123"),
        ("+14155550123", "+1 •••••••123"),
        ("+4915155550123", "+49 ••••••••123"),
        ("+2902012", "+290 ••••"),
    ],
)
def test_a_number_is_shown_by_its_country_and_its_end(number: str, seen: str) -> None:
    assert masking.masked(number) == seen


@given(NUMBERS)
def test_at_least_four_digits_are_never_shown(number: str) -> None:
    assert masking.masked(number).count("•") >= 3
    assert sum(sign.isdigit() for sign in masking.masked(number)) <= len(number) - 1 - 3


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Ada Byron", "Ada Byron"),
        ("07700 900123", "••••• •••123"),
        ("+44 (0)7700-900.123 or mail", "+•• (•)••••-•••.123 or mail"),
        ("2026-05-03", "••••-•5-03"),
        ("Room 1204", "Room 1204"),
    ],
)
def test_what_may_be_a_number_within_a_text_is_masked_as_well(text: str, seen: str) -> None:
    assert masking.masked_within(text) == seen


@given(st.text(max_size=20), NUMBERS, st.text(max_size=20))
def test_no_number_survives_within_any_text(before: str, number: str, after: str) -> None:
    assert number not in masking.masked_within(f"{before} {number} {after}")
