"""One record of a file to the values of one contact, or the reason why not."""

from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext as _

from contacts.importing.mapping import ATTRIBUTE
from contacts.importing.values import country_code, language_tag, time_zone_name
from contacts.phone import InvalidPhone, normalise, time_zone_hint
from contacts.wording import figure

MAX_NAME = 200
MAX_ATTRIBUTE = 1000

# Before the attributes, in this order, in every row of values. None where the file says nothing: such a cell
# changes nothing. What the number tells stands apart from what the file says, for it only fills gaps.
FIXED = ("phone", "name", "language", "time_zone", "country", "number_time_zone", "number_country")

Values = tuple[str | None, ...]


#: Joined into the name, and kept under these names for templates: nobody can tell the halves of a name by looking.
HALVES = ("first_name", "last_name")


class Rejected(Exception):
    """Why a row is not imported: a code to count by, and a sentence for the person who can correct it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


def attribute_keys(*, header: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """The attributes that a mapping fills, in the order of their columns."""
    return [key for column in header if (key := _attribute(mapping.get(column, "")))]


def _attribute(target: str) -> str:
    """The attribute that a column with this target fills; "" for none."""
    return target if target in HALVES else target.removeprefix(ATTRIBUTE) if target.startswith(ATTRIBUTE) else ""


def cleaner(
    *, header: Sequence[str], mapping: Mapping[str, str], default_country: str
) -> Callable[[list[str]], Values]:
    """A function from a record's cells to its values: `FIXED`, then the attributes by `attribute_keys`.

    Made once per file, called once per row; what it returns raises Rejected.
    """
    width = len(header)
    at = {target: position for position, column in enumerate(header) if (target := mapping.get(column))}
    phone_at = at["phone"]
    name_at = [at[target] for target in ("name", *HALVES) if target in at]
    language_at, zone_at, country_at = at.get("language"), at.get("time_zone"), at.get("country")
    attributes_at = [(position, key) for target, position in at.items() if (key := _attribute(target))]
    region = default_country or None
    # Past the cache, which a file of distinct numbers would only churn.
    read_phone = normalise.__wrapped__

    def clean(cells: list[str]) -> Values:
        # Spreadsheets pad rows with empty cells; anything else means that cells are not where they belong.
        if len(cells) != width and (len(cells) < width or any(map(str.strip, cells[width:]))):
            stray = _("The row has %(fields)s fields instead of %(expected)s: look for a stray delimiter.")
            raise Rejected("fields", stray % {"fields": len(cells), "expected": width})
        try:
            phone = read_phone(cells[phone_at], default_country=region)
        except InvalidPhone as problem:
            raise Rejected(problem.reason, problem.message) from None
        name = " ".join(filter(None, (cells[position].strip() for position in name_at)))
        if len(name) > MAX_NAME:
            raise Rejected("name", _("The name is longer than %(most)s characters.") % {"most": MAX_NAME})
        language = zone = country = hint = None
        if language_at is not None and (text := cells[language_at].strip()):
            language = language_tag(text)
            if language is None:
                raise Rejected("language", _("The language is not a language tag: write it like en or pt-BR."))
        if zone_at is not None and (text := cells[zone_at].strip()):
            zone = time_zone_name(text)
            if zone is None:
                raise Rejected("time_zone", _("The time zone is not a known one: write it like Europe/Paris."))
        if country_at is not None and (text := cells[country_at].strip()):
            country = country_code(text)
            if country is None:
                raise Rejected("country", _("The country is not a known one: use its two letters, such as FR."))
        if zone is None:
            hint = time_zone_hint(phone.e164) or None
        values = [phone.e164, name or None, language, zone, country, hint, phone.country or None]
        for position, key in attributes_at:
            text = cells[position].strip()
            if len(text) > MAX_ATTRIBUTE:
                long = _("“%(name)s” is longer than %(most)s characters.")
                raise Rejected("attribute", long % {"name": key, "most": figure(MAX_ATTRIBUTE)})
            values.append(text or None)
        return tuple(values)

    return clean
