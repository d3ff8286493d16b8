import pickle
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.phone import (
    InvalidPhone,
    Phone,
    PhoneKind,
    PhoneProblem,
    country,
    country_name,
    normalise,
    normalise_many,
    time_zone_hint,
    time_zones,
)

EXAMPLES = [
    f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
]


@pytest.mark.parametrize(
    ("written", "default_country"),
    [
        ("+33612345678", None),
        ("+33 6 12 34 56 78", "US"),
        ("+33 (0)6 12 34 56 78", None),
        ("06 12 34 56 78", "FR"),
        ("06.12.34.56.78", "fr"),
        ("06-12-34-56-78", "FR"),
        ("612345678", "FR"),
        ("0033612345678", None),
        ("0033 612345678", "FR"),
        ("0033 612345678", "US"),  # where one dials 011
        ("011 33 612345678", "US"),
        ("'+33612345678", None),
        ('="+33612345678"', None),
        ("33612345678.0", "FR"),
        ("612345678.0", "FR"),
        ("tel:+33-6-12-34-56-78", None),
        ("  +33612345678\r\n", None),
        ("٠٦١٢٣٤٥٦٧٨", "FR"),
        ("＋３３６１２３４５６７８", None),
        ("\u202a+33\u00a06‑12–34−56‑78\u202c", None),
        ("\ufeff+33612345678\u200b", None),
    ],
)
def test_the_ways_people_and_spreadsheets_write_a_number(written, default_country):
    phone = normalise(written, default_country=default_country)

    assert phone == Phone("+33612345678", "FR", PhoneKind.MOBILE)


@pytest.mark.parametrize(
    "written",
    ["0173 / 2000111", "0173/200 01 11", "+49 173 / 2000111", "+49 (0) 173 / 2000111", "0049 (0)173/200-0111"],
)
def test_a_slash_after_the_code_of_the_network_is_of_the_same_number(written):
    assert normalise(written, default_country="DE").e164 == "+491732000111"


@pytest.mark.parametrize(
    ("written", "default_country", "reason", "words"),
    [
        ("", "FR", PhoneProblem.EMPTY, "no phone number"),
        (" ' ", "FR", PhoneProblem.EMPTY, "no phone number"),
        ("hello", "FR", PhoneProblem.NOT_A_NUMBER, "not a phone number"),
        ("n/a", "FR", PhoneProblem.NOT_A_NUMBER, "not a phone number"),
        ("+", None, PhoneProblem.NOT_A_NUMBER, "not a phone number"),
        ("06\x0012345678", "FR", PhoneProblem.NOT_A_NUMBER, "not a phone number"),
        ("6" * 100_000, "FR", PhoneProblem.NOT_A_NUMBER, "not a phone number"),
        ("1-800-FLOWERS", "US", PhoneProblem.LETTERS, "contains letters"),
        ("4.47712E+11", "GB", PhoneProblem.SPREADSHEET, "format the column as text"),
        ("3,36E+10", "FR", PhoneProblem.SPREADSHEET, "format the column as text"),
        ("+33612345678 ext. 12", None, PhoneProblem.EXTENSION, "extension"),
        ("+33612345678x12", None, PhoneProblem.EXTENSION, "extension"),
        ("+33612345678;ext=12", None, PhoneProblem.EXTENSION, "extension"),
        ("+33612345678 / +33612345679", None, PhoneProblem.SEVERAL, "more than one"),
        ("0612345678, 0612345679", "FR", PhoneProblem.SEVERAL, "more than one"),
        ("0173 2000111 / 0173 2000112", "DE", PhoneProblem.SEVERAL, "more than one"),
        ("+49 173 2000111 / 2000112", "DE", PhoneProblem.SEVERAL, "more than one"),
        ("0612345678 or 0612345679", "FR", PhoneProblem.SEVERAL, "more than one"),
        ("612345678", None, PhoneProblem.NEEDS_COUNTRY, "needs a country code (such as +44) or a default"),
        ("+999 12345678", None, PhoneProblem.UNKNOWN_COUNTRY, "No country has this country code"),
        ("0612345678", "XX", PhoneProblem.UNKNOWN_COUNTRY, "two-letter code"),
        ("06 12 34 56 7", "FR", PhoneProblem.TOO_SHORT, "too short for France"),
        ("+4479111", None, PhoneProblem.TOO_SHORT, "too short for the United Kingdom"),
        ("+33 6 12 34 56 78 9", None, PhoneProblem.TOO_LONG, "too long for France."),
        ("06123456789", "FR", PhoneProblem.TOO_LONG, "write its country code"),
        ("+49 15 0123 4567 8901 234", None, PhoneProblem.TOO_LONG, "too long"),
        ("+447700900123", None, PhoneProblem.NOT_ASSIGNED, "No number in the United Kingdom is like this"),
    ],
)
def test_a_refusal_says_what_to_do(written, default_country, reason, words):
    with pytest.raises(InvalidPhone) as caught:
        normalise(written, default_country=default_country)

    assert caught.value.reason is reason
    assert words in str(caught.value)


def test_a_refusal_never_repeats_the_number():
    for written in ("+33 6 12 34 56 7", "4.47712E+11", "061234567890", "+33612345678x12", "1-800-FLOWERS"):
        with pytest.raises(InvalidPhone) as caught:
            normalise(written, default_country="FR")
        assert written not in repr(caught.value)
        assert written not in caught.value.message


def test_a_refusal_survives_a_process_boundary():
    problem = pickle.loads(pickle.dumps(InvalidPhone(PhoneProblem.TOO_SHORT, "The number is too short.")))

    assert (problem.reason, problem.message) == (PhoneProblem.TOO_SHORT, "The number is too short.")


def test_the_kind_and_country_of_a_number():
    assert normalise("+33123456789", default_country=None).kind is PhoneKind.FIXED
    assert normalise("+12025550123", default_country=None).kind is PhoneKind.FIXED_OR_MOBILE
    assert normalise("+80012345678", default_country=None) == Phone("+80012345678", "", PhoneKind.TOLL_FREE)
    assert normalise("+441534700000", default_country="GB").country == "JE"


def test_a_leading_zero_that_belongs_to_the_number_stays():
    assert normalise("06 1234 5678", default_country="IT").e164 == "+390612345678"


def test_a_column_is_read_in_order_with_its_refusals():
    column = ["06 12 34 56 78", "oops", "+12025550123"]

    first, second, third = normalise_many(column, default_country="FR")

    assert isinstance(first, Phone)
    assert first.e164 == "+33612345678"
    assert isinstance(second, InvalidPhone)
    assert second.reason is PhoneProblem.NOT_A_NUMBER
    assert isinstance(third, Phone)
    assert third.country == "US"


def test_the_time_zone_is_told_only_when_there_is_one():
    assert time_zone_hint("+33612345678") == "Europe/Paris"
    assert normalise("+33612345678", default_country=None).time_zones == ("Europe/Paris",)
    assert len(time_zones("+79161234567")) > 10
    assert time_zone_hint("+79161234567") == ""
    assert time_zone_hint("+80012345678") == ""
    assert time_zone_hint("not a number") == ""


def test_countries_are_named_as_in_a_sentence():
    assert [country_name(code) for code in ("FR", "NL", "US", "CZ", "ZZ")] == [
        "France",
        "the Netherlands",
        "the United States",
        "Czechia",
        "any country",
    ]


@pytest.mark.parametrize("e164", EXAMPLES)
def test_the_mobile_numbers_of_every_country_are_stable(e164):
    phone = normalise(e164, default_country=None)

    assert normalise(phone.e164, default_country=None) == phone
    assert normalise(phone.e164, default_country="US").e164 == phone.e164


@given(
    st.one_of(
        st.text(max_size=80),
        st.text("0123456789+ ()-./x;,eE'", max_size=40),
        st.from_regex(r"(\+|00|0)?[1-9][0-9 .()-]{5,16}", fullmatch=True),
    ),
    st.sampled_from([None, "FR", "US", "GB", "BR", "IT"]),
)
def test_any_text_gives_a_stable_phone_or_a_reasoned_refusal(raw, default_country):
    (phone,) = normalise_many([raw], default_country=default_country)

    if isinstance(phone, InvalidPhone):
        assert phone.message.endswith(".")
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", phone.e164)
    assert normalise(phone.e164, default_country=None) == phone


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_the_country_of_a_number_is_the_one_that_reading_it_finds(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is not None:
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert country(e164) == normalise(e164, default_country=None).country


@pytest.mark.parametrize("text", ["", "+", "+9", "+999123456"])
def test_a_number_of_no_plan_has_no_country(text: str) -> None:
    assert country(text) == ""
