"""Rules of an audience as a sentence, in the language of who reads it."""

from typing import Any

import pytest
from django.utils import translation

from campaigns.audience_rules import ATTRIBUTE, OPS, SHAPES, Shape, parse
from campaigns.audience_words import in_words

_VALUES = {
    Shape.NOTHING: None,
    Shape.TEXT: "x",
    Shape.TEXTS: ["x", "y"],
    Shape.NUMBER: 5,
    Shape.DAY: "2030-12-31",
    Shape.DAYS: 7,
}


def rule(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def words(*conditions: dict[str, Any], match: str = "all") -> str:
    return in_words(parse({"match": match, "conditions": list(conditions)}))


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (rule("language", "is", "fr"), "Language is “fr”"),
        (rule("attributes.plan", "none_of", ["gold", "silver"]), "“plan” is none of “gold”, “silver”"),
        (rule("country", "known"), "Country is known"),
        (rule("attributes.age", "more_than", 17.5), "“age” is more than 17.5"),
        (rule("created", "since", "2030-12-31"), "Known since is on or after 31 Dec 2030"),
        (rule("texted", "not_within_days", 7), "Was texted not in the last 7 days"),
        (
            rule("attributes.zip", "one_of", list("abcdefghijk")),
            "“zip” is one of “a”, “b”, “c”, “d”, “e”, “f”, “g”, “h” and 3 others",
        ),
    ],
)
def test_a_condition(condition: dict[str, Any], told: str) -> None:
    assert words(condition) == told


def test_several_and_groups_of_them() -> None:
    inner = {"match": "any", "conditions": [rule("country", "is", "FR"), rule("country", "is", "BE")]}
    told = words(rule("language", "is", "fr"), inner)
    assert told == "all of these: Language is “fr”; (any of these: Country is “FR”; Country is “BE”)"


def test_no_rules_are_no_words() -> None:
    assert in_words(parse({})) == ""


def test_in_german() -> None:
    with translation.override("de"):
        assert words(rule("language", "is", "fr")) == "Sprache ist „fr“"


@pytest.mark.parametrize("field", OPS)
def test_there_is_nothing_to_ask_that_has_no_words(field: str) -> None:
    values = {"language": "fr", "country": "FR", "time_zone": "Europe/Paris"}
    name = "attributes.x" if field == ATTRIBUTE else field
    for op in OPS[field]:
        value = _VALUES[SHAPES[op]]
        if field in values and value is not None:
            value = [values[field]] if isinstance(value, list) else values[field]
        assert "…" not in words(rule(name, op.value, value))
