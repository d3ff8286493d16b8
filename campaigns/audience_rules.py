"""Rules that narrow a campaign's audience: what they can say, and how they are read. `audience_where` has their SQL.

A campaign keeps them as JSON: `{"match": "all", "conditions": [{"field": "language", "op": "is", "value": "fr"}]}`.
In the place of a condition there may be a group of the same form, one level deep. `{}` is no rule at all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.errors import CampaignError
from contacts.importing.values import country_code, language_tag, time_zone_name

#: Conditions of one campaign, and values that one of them may be about.
MOST_CONDITIONS, MOST_VALUES = 50, 500
#: Of an attribute's name and of a value, in characters; as far as contacts have them through the API.
MOST_NAME, MOST_TEXT = 64, 2000
#: No condition looks further back; of what is found among messages and visits, no further than can be read quickly.
MOST_DAYS = 36_500
_MOST_DAYS = {"texted": 31, "clicked": 90, "wrote": 366}

#: A field that begins with this is an attribute.
ATTRIBUTE = "attributes."


class Match(TextChoices):
    ALL = "all", gettext_lazy("all of these")
    ANY = "any", gettext_lazy("any of these")


class Op(TextChoices):
    """How a field is compared. Texts are compared as they are written; who lacks the field meets only negations."""

    IS = "is", gettext_lazy("is")
    IS_NOT = "is_not", gettext_lazy("is not")
    ONE_OF = "one_of", gettext_lazy("is one of")
    NONE_OF = "none_of", gettext_lazy("is none of")
    CONTAINS = "contains", gettext_lazy("contains")
    KNOWN = "known", gettext_lazy("is known")
    UNKNOWN = "unknown", gettext_lazy("is not known")
    MORE_THAN = "more_than", gettext_lazy("is more than")
    LESS_THAN = "less_than", gettext_lazy("is less than")
    SINCE = "since", gettext_lazy("is on or after")
    BEFORE = "before", gettext_lazy("is before")
    WITHIN_DAYS = "within_days", gettext_lazy("in the last … days")
    NOT_WITHIN_DAYS = "not_within_days", gettext_lazy("not in the last … days")
    OLDER_THAN_DAYS = "older_than_days", gettext_lazy("more than … days ago")


class Shape(Enum):
    """What a condition's value is: nothing, a text, some texts, a number, a day (ISO 8601), a whole number of days."""

    NOTHING = auto()
    TEXT = auto()
    TEXTS = auto()
    NUMBER = auto()
    DAY = auto()
    DAYS = auto()


SHAPES: Mapping[Op, Shape] = {
    Op.IS: Shape.TEXT,
    Op.IS_NOT: Shape.TEXT,
    Op.ONE_OF: Shape.TEXTS,
    Op.NONE_OF: Shape.TEXTS,
    Op.CONTAINS: Shape.TEXT,
    Op.KNOWN: Shape.NOTHING,
    Op.UNKNOWN: Shape.NOTHING,
    Op.MORE_THAN: Shape.NUMBER,
    Op.LESS_THAN: Shape.NUMBER,
    Op.SINCE: Shape.DAY,
    Op.BEFORE: Shape.DAY,
    Op.WITHIN_DAYS: Shape.DAYS,
    Op.NOT_WITHIN_DAYS: Shape.DAYS,
    Op.OLDER_THAN_DAYS: Shape.DAYS,
}

_NAMED = (Op.IS, Op.IS_NOT, Op.ONE_OF, Op.NONE_OF, Op.KNOWN, Op.UNKNOWN)
_DATED = (Op.SINCE, Op.BEFORE, Op.WITHIN_DAYS, Op.OLDER_THAN_DAYS)
_HAPPENED = (Op.WITHIN_DAYS, Op.NOT_WITHIN_DAYS)
#: What each field may be asked; of an attribute, what stands under ATTRIBUTE.
OPS: Mapping[str, tuple[Op, ...]] = {
    "language": _NAMED,
    "country": _NAMED,
    "time_zone": _NAMED,
    ATTRIBUTE: (*_NAMED, Op.CONTAINS, Op.MORE_THAN, Op.LESS_THAN, *_DATED),
    "created": _DATED,
    "texted": _HAPPENED,
    "clicked": _HAPPENED,
    "wrote": _HAPPENED,
}

_READ: Mapping[str, tuple[Callable[[str], str | None], str | Promise]] = {
    "language": (language_tag, gettext_lazy("“%s” is no language tag, such as en or pt-BR.")),
    "country": (country_code, gettext_lazy("“%s” is no country's two letters, such as FR.")),
    "time_zone": (time_zone_name, gettext_lazy("“%s” is no time zone, such as Europe/Paris.")),
}

Value = None | str | tuple[str, ...] | Decimal | date | int


@dataclass(frozen=True, slots=True)
class Condition:
    """The value's type goes by the operator's Shape; the field is one of OPS, or an attribute with its name."""

    field: str
    op: Op
    value: Value = None


@dataclass(frozen=True, slots=True)
class Group:
    match: Match = Match.ALL
    parts: "tuple[Condition | Group, ...]" = ()


#: No rules: everybody on the lists.
EVERYBODY = Group()


class RulesError(CampaignError):
    """Rules that cannot be; `path` leads to where in the JSON, by names and positions."""

    def __init__(self, problem: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.path = path

    @property
    def numbered(self) -> str:
        """With the number of the condition, "2.1" for the first of a group that is the second."""
        steps = zip(self.path, self.path[1:], strict=False)
        number = ".".join(str(n + 1) for name, n in steps if name == "conditions" and isinstance(n, int))
        return _("Condition %(number)s: %(problem)s") % {"number": number, "problem": self} if number else str(self)


def unreadable(error: RulesError) -> str:
    """What is to be said of rules that were kept and can no longer be understood, in a sentence."""
    return _("The rules of its audience cannot be read: %(error)s") % {"error": error.numbered}


def ops_of(field: str) -> tuple[Op, ...]:
    """What may be asked of a field; nothing of one that there is not."""
    if field.startswith(ATTRIBUTE):
        return OPS[ATTRIBUTE] if field != ATTRIBUTE else ()
    return OPS.get(field, ())


def most_days(field: str) -> int:
    return _MOST_DAYS.get(field, MOST_DAYS)


def parse(data: Any) -> Group:
    """Rules as they come in or were kept. Raises RulesError with the first thing that is wrong."""
    if data == {}:
        return EVERYBODY
    group = _group(data, (), groups=True)
    if sum(1 for _ in conditions(group)) > MOST_CONDITIONS:
        raise RulesError(_("There may be %d conditions at most.") % MOST_CONDITIONS, ("conditions",))
    return group if group.parts else EVERYBODY


def conditions(group: Group) -> Iterator[Condition]:
    for part in group.parts:
        if isinstance(part, Group):
            yield from conditions(part)
        else:
            yield part


def as_json(rules: Group) -> dict[str, Any]:
    """The form that is kept: what `parse` reads as the same rules."""
    return _group_json(rules) if rules.parts else {}


def _group_json(group: Group) -> dict[str, Any]:
    parts = [_group_json(part) if isinstance(part, Group) else _condition_json(part) for part in group.parts]
    return {"match": group.match.value, "conditions": parts}


def _condition_json(condition: Condition) -> dict[str, Any]:
    kept: dict[str, Any] = {"field": condition.field, "op": condition.op.value}
    match condition.value:
        case None:
            return kept
        case tuple():
            return kept | {"value": list(condition.value)}
        case Decimal() | date():
            return kept | {"value": str(condition.value)}
        case _:
            return kept | {"value": condition.value}


_Path = tuple[str | int, ...]


def _group(data: Any, path: _Path, *, groups: bool) -> Group:
    _only(data, {"match", "conditions"}, path)
    match, parts = data.get("match", Match.ALL.value), data.get("conditions")
    if match not in list(Match):
        raise RulesError(_("Write “all” or “any”."), (*path, "match"))
    if not isinstance(parts, list):
        raise RulesError(_("Give a list of conditions."), (*path, "conditions"))
    if len(parts) > MOST_CONDITIONS:
        raise RulesError(_("There may be %d conditions at most.") % MOST_CONDITIONS, (*path, "conditions"))
    return Group(Match(match), tuple(_part(part, (*path, "conditions", n), groups) for n, part in enumerate(parts)))


def _part(data: Any, path: _Path, groups: bool) -> Condition | Group:
    if isinstance(data, dict) and "conditions" in data:
        if not groups:
            raise RulesError(_("A group stands in no other group."), path)
        if not data["conditions"]:
            raise RulesError(_("A group needs a condition."), (*path, "conditions"))
        return _group(data, path, groups=False)
    return _condition(data, path)


def _condition(data: Any, path: _Path) -> Condition:
    _only(data, {"field", "op", "value"}, path)
    field = _text(data.get("field"), (*path, "field"), len(ATTRIBUTE) + MOST_NAME)
    ops = ops_of(field)
    if not ops:
        known = ", ".join(f"{ATTRIBUTE}…" if name == ATTRIBUTE else name for name in OPS)
        message = _("There is no field “%(field)s”, only %(known)s.") % {"field": field[:40], "known": known}
        raise RulesError(message, (*path, "field"))
    if data.get("op") not in list(ops):
        allowed = ", ".join(op.value for op in ops)
        message = _("“%(field)s” can be asked: %(ops)s.") % {"field": field[:40], "ops": allowed}
        raise RulesError(message, (*path, "op"))
    op = Op(data["op"])
    return Condition(field, op, _value(field, SHAPES[op], data.get("value"), (*path, "value")))


def _value(field: str, shape: Shape, value: Any, path: _Path) -> Value:
    match shape:
        case Shape.NOTHING:
            if value not in (None, ""):
                raise RulesError(_("This asks for no value."), path)
            return None
        case Shape.TEXT:
            return _named(field, _text(value, path, MOST_TEXT), path)
        case Shape.TEXTS:
            if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
                raise RulesError(_("Give a list of 1 to %d values.") % MOST_VALUES, path)
            texts = [_named(field, _text(one, (*path, n), MOST_TEXT), (*path, n)) for n, one in enumerate(value)]
            return tuple(dict.fromkeys(texts))
        case Shape.NUMBER:
            return _number(value, path)
        case Shape.DAY:
            return _day(value, path)
        case Shape.DAYS:
            days, most = _number(value, path), most_days(field)
            if days != days.to_integral_value() or not 1 <= days <= most:
                raise RulesError(_("Give a whole number of days, 1 to %d.") % most, path)
            return int(days)


def _named(field: str, text: str, path: _Path) -> str:
    """As contacts have it."""
    if field not in _READ:
        return text
    read, problem = _READ[field]
    found = read(text)
    if found is None:
        raise RulesError(str(problem) % text[:40], path)
    return found


def _text(value: Any, path: _Path, most: int) -> str:
    """A text, or what an attribute holds beside texts, as the database writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = (str(value) if isinstance(value, int) else value if isinstance(value, str) else "").strip()
    if not text:
        raise RulesError(_("A text is needed."), path)
    if len(text) > most:
        raise RulesError(_("At most %d characters.") % most, path)
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RulesError(_("It has a character that no text can have."), path)
    return text


def _number(value: Any, path: _Path) -> Decimal:
    """With no more than 18 digits before and behind the point, which is as many as attributes are read with."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**18 or number != round(number, 18):
        raise RulesError(_("Give a number."), path)
    return number


def _day(value: Any, path: _Path) -> date:
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.isoformat() != value:
        raise RulesError(_("Write the day as 2030-12-31."), path)
    return found


def _only(data: Any, names: set[str], path: _Path) -> None:
    if not isinstance(data, dict):
        raise RulesError(_("Give an object with %s.") % ", ".join(sorted(names)), path)
    if unknown := [str(name) for name in data if name not in names]:
        raise RulesError(_("There is no “%s” here.") % unknown[0][:40], path)
