"""An audience, as campaigns carry it: lists, and rules that narrow them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns import audience_rules
from campaigns.audience_rules import ATTRIBUTE, MOST_CONDITIONS, OPS, Match, Op, RulesError
from contacts.models import ContactList

MAX_LISTS = 100


@extend_schema_field(
    {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "maxItems": MAX_LISTS}
)
class ListsField(serializers.Field):
    """Ids of lists, found with one query."""

    def to_internal_value(self, data: Any) -> list[ContactList]:
        ids = serializers.ListField(
            child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=MAX_LISTS
        ).run_validation(data)
        found = ContactList.objects.in_bulk(ids)
        if missing := [str(list_id) for list_id in ids if list_id not in found]:
            raise serializers.ValidationError(f"There is no list {', '.join(missing)}.", code="does_not_exist")
        return list(found.values())

    def to_representation(self, value: Any) -> list[int]:
        return sorted(contact_list.pk for contact_list in value.all())


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
