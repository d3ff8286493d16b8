"""The rules of an audience, as campaigns carry them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns import audience_rules
from campaigns.audience_rules import ATTRIBUTE, MOST_CONDITIONS, OPS, Match, Op, RulesError

_FIELDS = ", ".join(f"`{ATTRIBUTE}…`" if name == ATTRIBUTE else f"`{name}`" for name in OPS)
_MATCH = {"type": "string", "enum": Match.values, "default": Match.ALL.value}
_CONDITION = {
    "field": {"type": "string", "description": f"One of {_FIELDS}."},
    "op": {"type": "string", "enum": Op.values},
    "value": {"description": "As `op` asks: a text, a list of texts, a number, a day, so many days; or nothing."},
}


def _conditions(**more: Any) -> dict[str, Any]:
    item = {"type": "object", "properties": {**_CONDITION, **more}, "additionalProperties": False}
    return {"type": "array", "maxItems": MOST_CONDITIONS, "items": item}


@extend_schema_field(
    {
        "type": "object",
        "properties": {"match": _MATCH, "conditions": _conditions(match=_MATCH, conditions=_conditions())},
        "additionalProperties": False,
    }
)
class RulesField(serializers.Field):
    """Which of these people it is for. A condition has a field, an op and mostly a value; or is a group of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, help_text=self.__doc__, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return audience_rules.as_json(audience_rules.parse(data))
        except RulesError as error:
            detail: Any = [str(error)]
            for step in reversed(error.path):
                detail = {str(step): detail}
            raise serializers.ValidationError(detail) from None

    def to_representation(self, value: Any) -> Any:
        return value
