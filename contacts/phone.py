"""Phone numbers as people and spreadsheets write them, to E.164.

The numbering plans are those of Google's libphonenumber. A number is accepted when it falls in a range that
its country has given out; whether somebody answers it, only a carrier knows.

No message of an `InvalidPhone` repeats the number: it may be logged and shown as it is.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

import phonenumbers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

# ITU-T E.164 ends at 15 digits, though some national plans run past it; no plan of a mobile has fewer than 7.
MIN_DIGITS = 7
MAX_DIGITS = 15

# Room for punctuation, an extension and a stray label.
MAX_INPUT = 64

_UNKNOWN_ZONE = "Etc/Unknown"
#: libphonenumber's region of numbers that belong to no country.
_WORLDWIDE = "001"


class PhoneKind(StrEnum):
    """What stands behind a number, as far as its numbering plan tells."""

    MOBILE = "mobile"
    FIXED = "fixed"
    FIXED_OR_MOBILE = "fixed_or_mobile"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    OTHER = "other"


_KINDS = {
    PhoneNumberType.MOBILE: PhoneKind.MOBILE,
    PhoneNumberType.FIXED_LINE: PhoneKind.FIXED,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: PhoneKind.FIXED_OR_MOBILE,
    PhoneNumberType.VOIP: PhoneKind.VOIP,
    PhoneNumberType.TOLL_FREE: PhoneKind.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: PhoneKind.PREMIUM,
    PhoneNumberType.SHARED_COST: PhoneKind.SHARED_COST,
}


class PhoneProblem(StrEnum):
    """Why a number was refused."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    LETTERS = "letters"
    SEVERAL = "several"
    EXTENSION = "extension"
    SPREADSHEET = "spreadsheet"
    NEEDS_COUNTRY = "needs_country"
    UNKNOWN_COUNTRY = "unknown_country"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_ASSIGNED = "not_assigned"


class InvalidPhone(ValueError):
    """A number that cannot be used. `message` is a sentence for the person who can correct it."""

    def __init__(self, reason: PhoneProblem, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Phone:
    """A number in E.164, the ISO 3166 country it belongs to ("" for a worldwide one), and its kind."""

    e164: str
    country: str
    kind: PhoneKind

    @property
    def time_zones(self) -> tuple[str, ...]:
        """The IANA zones this number may be in, by its prefix: one in France, sixteen in Russia."""
        return time_zones(self.e164)


@lru_cache(maxsize=8192)
def normalise(raw: str, *, default_country: str | None) -> Phone:
    """Read one number.

    `default_country` is the ISO 3166 code (two letters, either case) of numbers written without their country
    code; None accepts only numbers that carry it, after "+" or "00".

    Raises InvalidPhone.
    """
    region = _region(default_country)
    text = _clean(raw)
    number = _parse(text, region)
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN and text.startswith("00"):
        # A country that dials abroad by another prefix (011 in the US) still has people who write 00.
        number = _parse("+" + text[2:], region)
        kind = phonenumbers.number_type(number)
    if number.extension:
        raise _refuse(PhoneProblem.EXTENSION)
    if kind == PhoneNumberType.UNKNOWN:
        raise _explain(number, written_with_code=text.startswith(("+", "00")))
    country = phonenumbers.region_code_for_number(number)
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if not MIN_DIGITS <= len(e164) - 1 <= MAX_DIGITS:
        raise _refuse(PhoneProblem.TOO_SHORT if len(e164) <= MIN_DIGITS else PhoneProblem.TOO_LONG)
    return Phone(e164, "" if country in (None, _WORLDWIDE) else country, _KINDS.get(kind, PhoneKind.OTHER))


def normalise_many(raws: Iterable[str], *, default_country: str | None) -> Iterator[Phone | InvalidPhone]:
    """Read a column of numbers: for each, in order, the phone or the reason it was refused.

    Bypasses the cache of `normalise`, which an import of distinct numbers would only churn.
    """
    read = normalise.__wrapped__
    for raw in raws:
        try:
            yield read(raw, default_country=default_country)
        except InvalidPhone as problem:
            yield problem.with_traceback(None)


def country(e164: str) -> str:
    """The ISO 3166 country that an E.164 number belongs to; "" for a worldwide one, or one of no plan.

    Made for a million numbers: a calling code of one country answers by itself, and in the North American plan the
    area code does. Only numbers of the few other shared codes (+44, +7, …) are parsed.
    """
    for end in (2, 3, 4):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(e164[1:end]), ()) if len(e164) > end else ()
        if len(regions) == 1:
            return "" if regions[0] == _WORLDWIDE else regions[0]
        if regions:
            return _north_american(e164[:5]) if e164[1] == "1" else _among(regions, e164)
    return ""


def calling_code(e164: str) -> str:
    """Of an E.164 number the digits that say its country, or its worldwide service: `44`. "" for one of no plan."""
    codes = (e164[1:end] for end in (2, 3, 4) if len(e164) > end)
    return next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), "")


@lru_cache(maxsize=1024)
def _north_american(area: str) -> str:
    return _among(("US",), area + "2345678")


def _among(regions: Sequence[str], e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or regions[0]


@lru_cache(maxsize=8192)
def time_zones(e164: str) -> tuple[str, ...]:
    """The IANA zones that share this number's prefix; empty if the plan does not tell."""
    # Imported on first use: the prefix table is 8 MB that an import of numbers never reads.
    from phonenumbers.timezone import time_zones_for_number

    try:
        zones: tuple[str, ...] = time_zones_for_number(phonenumbers.parse(e164, None))
    except NumberParseException:
        return ()
    return () if zones == (_UNKNOWN_ZONE,) else tuple(zones)


def time_zone_hint(e164: str) -> str:
    """The IANA zone of a number whose prefix lies in exactly one, else ""."""
    zones = time_zones(e164)
    return zones[0] if len(zones) == 1 else ""


# --- reading ------------------------------------------------------------------------------------------------

_plain = re.compile(r"\+?[0-9][0-9 ()-]{0,30}").fullmatch
_scientific = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}").fullmatch
_decimal_tail = re.compile(r"(?<=[0-9]{6})[.,]0+\Z")
_extension = re.compile(r"(?:;?\s*e?xt(?:en(?:sion)?|n)?\b\.?|;ext=|[x#])\s*[:.=]?\s*[0-9]{1,8}#?\Z", re.IGNORECASE)
_several = re.compile(r"\+.*\+|[0-9][0-9 ()-]{6,}(?:[/;,|&]|\bor\b|\band\b)[ +(]*[0-9][0-9 ()-]{6,}", re.IGNORECASE)
# One number all the same: "+49 (0) 173 / 2000111" parts the code of the place or network from the rest.
_parted = re.compile(r"(?:\+|00)[0-9]{1,3} *(?:\(0\))?(?:[ ()-]*[0-9]){1,5}[ )]*/ *[1-9](?:[ -]*[0-9]){4,7}").fullmatch
_letters = re.compile(r"[^\W\d_]")
_allowed = re.compile(r"\+?[0-9 ()./~-]+").fullmatch


def _clean(raw: str) -> str:
    """The number's digits and punctuation in ASCII, without what spreadsheets and phones put around them."""
    if _plain(raw):
        return raw
    if len(raw) > MAX_INPUT:
        raise _refuse(PhoneProblem.NOT_A_NUMBER)
    text = raw if raw.isascii() else "".join(map(_ascii, unicodedata.normalize("NFKC", raw)))
    text = text.strip(" \t\r\n\f\v'\"=`").removeprefix("tel:").strip()
    if not text:
        raise _refuse(PhoneProblem.EMPTY)
    if _scientific(text):
        raise _refuse(PhoneProblem.SPREADSHEET)
    text = _decimal_tail.sub("", text)
    if _extension.search(text):
        raise _refuse(PhoneProblem.EXTENSION)
    if _several.search(text) and not _parted(text):
        raise _refuse(PhoneProblem.SEVERAL)
    if _letters.search(text):
        raise _refuse(PhoneProblem.LETTERS if re.search("[0-9]", text) else PhoneProblem.NOT_A_NUMBER)
    if not _allowed(text):
        raise _refuse(PhoneProblem.NOT_A_NUMBER)
    return text


def _ascii(char: str) -> str:
    """Other scripts' digits as ours, dashes and spaces as plain ones; invisible marks vanish."""
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    match unicodedata.category(char):
        case "Pd":
            return "-"
        case "Zs":
            return " "
        case "Cf":
            return ""
    return {"\u2212": "-", "\u2018": "'", "\u2019": "'"}.get(char, char)


def _parse(text: str, region: str | None) -> PhoneNumber:
    if region is None and text.startswith("00"):
        text = "+" + text[2:]
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException as error:
        reason = error.error_type
    if reason == NumberParseException.INVALID_COUNTRY_CODE:
        problem = PhoneProblem.UNKNOWN_COUNTRY if text.startswith("+") else PhoneProblem.NEEDS_COUNTRY
        raise _refuse(problem)
    if reason == NumberParseException.TOO_LONG:
        raise _refuse(PhoneProblem.TOO_LONG)
    if re.search("[0-9]", text):
        raise _refuse(PhoneProblem.TOO_SHORT)
    raise _refuse(PhoneProblem.NOT_A_NUMBER)


@cache
def _region(default_country: str | None) -> str | None:
    if not default_country:
        return None
    region = default_country.upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidPhone(
            PhoneProblem.UNKNOWN_COUNTRY,
            gettext("The default country is not a known one: use its two-letter code, such as GB or FR."),
        )
    return region


# --- explaining ---------------------------------------------------------------------------------------------

_SENTENCES = {
    PhoneProblem.EMPTY: _("There is no phone number."),
    PhoneProblem.NOT_A_NUMBER: _("This is not a phone number."),
    PhoneProblem.LETTERS: _("The number contains letters: write it in digits only."),
    PhoneProblem.SEVERAL: _("There is more than one number: keep the one that should get the texts."),
    PhoneProblem.EXTENSION: _("A text cannot reach an extension: leave it out, or use a direct number."),
    PhoneProblem.SPREADSHEET: (
        _(
            "A spreadsheet has shortened this number and its last digits are lost: "
            "format the column as text and export the file again."
        )
    ),
    PhoneProblem.NEEDS_COUNTRY: _("The number needs a country code (such as +44) or a default country."),
    PhoneProblem.UNKNOWN_COUNTRY: _("No country has this country code: check the digits after the plus sign."),
    PhoneProblem.TOO_SHORT: _("The number is too short."),
    PhoneProblem.TOO_LONG: _("The number is too long."),
}


def _refuse(reason: PhoneProblem) -> InvalidPhone:
    return InvalidPhone(reason, str(_SENTENCES[reason]))


def _explain(number: PhoneNumber, *, written_with_code: bool) -> InvalidPhone:
    """Why a number that could be read is not one of its country's."""
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    place = country_name(region)
    hint = "" if written_with_code else " " + gettext("If it is from elsewhere, write its country code.")
    match phonenumbers.is_possible_number_with_reason(_without_trunk_zero(number, region)):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return InvalidPhone(
                PhoneProblem.TOO_SHORT,
                gettext("The number is too short for %(place)s.") % {"place": place} + hint,
            )
        case ValidationResult.TOO_LONG:
            return InvalidPhone(
                PhoneProblem.TOO_LONG,
                gettext("The number is too long for %(place)s.") % {"place": place} + hint,
            )
    return InvalidPhone(
        PhoneProblem.NOT_ASSIGNED,
        gettext("No number in %(place)s is like this: a digit may be wrong or missing.") % {"place": place} + hint,
    )


def _without_trunk_zero(number: PhoneNumber, region: str) -> PhoneNumber:
    # The library keeps the zero of "06 12 34 56 7", and would count the nine digits as enough for France.
    if number.italian_leading_zero and phonenumbers.ndd_prefix_for_region(region, True) == "0":
        return PhoneNumber(country_code=number.country_code, national_number=number.national_number)
    return number


_WITH_ARTICLE = ("United ", "Netherlands", "Philippines", "Maldives", "Bahamas", "Seychelles", "Comoros")


def country_name(code: str) -> str:
    """An ISO 3166 country as it stands in an English sentence: "France", "the United Kingdom"."""
    name = _country_names().get(code, "any country")
    the = name.startswith(_WITH_ARTICLE) or name.endswith((" Republic", " Islands"))
    return f"the {name}" if the else name


@cache
def _country_names() -> dict[str, str]:
    # libphonenumber's own names come with 190 MB of places; imported here because only a refusal needs names.
    from babel import Locale

    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code != "ZZ"}
