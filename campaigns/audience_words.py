"""Rules of an audience as a sentence for who reads them: "Language is “fr”; “plan” is one of “gold”, “silver”"."""

from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.audience_rules import ATTRIBUTE, Condition, Group

#: The fields of rules in words.
FIELDS: Mapping[str, str | Promise] = {
    "language": gettext_lazy("Language"),
    "country": gettext_lazy("Country"),
    "time_zone": gettext_lazy("Time zone"),
    ATTRIBUTE: gettext_lazy("Attribute"),
    "created": gettext_lazy("Known since"),
    "texted": gettext_lazy("Was texted"),
    "clicked": gettext_lazy("Followed a link"),
    "wrote": gettext_lazy("Wrote to us"),
}
#: Of the values of one condition, which may be hundreds, those that are told.
_MOST_VALUES = 8


def in_words(rules: Group) -> str:
    """In the reader's language; empty where there are no rules."""
    parts = [_condition(part) if isinstance(part, Condition) else f"({in_words(part)})" for part in rules.parts]
    told = "; ".join(parts)
    return told if len(parts) < 2 else f"{rules.match.label}: {told}"


def _condition(condition: Condition) -> str:
    name = condition.field.removeprefix(ATTRIBUTE)
    field = _quoted(name) if condition.field.startswith(ATTRIBUTE) else str(FIELDS[name])
    op, value = str(condition.op.label), _value(condition)
    return f"{field} {op.replace('…', value)}" if "…" in op else f"{field} {op} {value}".rstrip()


def _value(condition: Condition) -> str:
    match condition.value:
        case None:
            return ""
        case str(text):
            return _quoted(text)
        case tuple(texts):
            told = ", ".join(map(_quoted, texts[:_MOST_VALUES]))
            more = len(texts) - _MOST_VALUES
            if more <= 0:
                return told
            return ngettext("%(values)s and %(number)s other", "%(values)s and %(number)s others", more) % {
                "values": told,
                "number": more,
            }
        case date() as day:
            return date_format(day, _("j M Y"))
        case number:
            return f"{number:f}" if not isinstance(number, int) else str(number)


def _quoted(text: str) -> str:
    return _("“%(text)s”") % {"text": text}
