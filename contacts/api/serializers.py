"""What contacts, lists and suppressions look like on the wire."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from contacts.api.fields import BoundedIds, PhoneField, Strict, StrictModel
from contacts.importing.values import country_code, language_tag, time_zone_name
from contacts.models import Contact, ContactList, Suppression
from contacts.phone import normalise

MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_TEXT = 2000


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": MAX_ATTRIBUTE_TEXT},
        "propertyNames": {"minLength": 1, "maxLength": MAX_ATTRIBUTE_NAME},
        "maxProperties": MAX_ATTRIBUTES,
    }
)
class AttributesField(serializers.Field):
    """Anything else templates may use: names with a text, a number, true or false. null removes a name."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give an object of names and values.")
        if len(data) > MAX_ATTRIBUTES:
            raise serializers.ValidationError(f"At most {MAX_ATTRIBUTES} attributes.")
        wrong = {name: [problem] for name, value in data.items() if (problem := self._problem(name, value))}
        if wrong:
            raise serializers.ValidationError(wrong)
        return data

    def to_representation(self, value: Any) -> Any:
        return value

    def _problem(self, name: str, value: Any) -> str:
        if not 1 <= len(name) <= MAX_ATTRIBUTE_NAME:
            return f"The name must have 1 to {MAX_ATTRIBUTE_NAME} characters."
        if not isinstance(value, str | int | float | bool | None):
            return "The value must be a text, a number, true, false or null."
        if isinstance(value, str) and len(value) > MAX_ATTRIBUTE_TEXT:
            return f"The value has more than {MAX_ATTRIBUTE_TEXT} characters."
        if isinstance(value, int) and abs(value) >= 2**63:
            return "The number is too large: send it as text."
        return ""


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A contact",
            value={
                "phone": "+14155550123",
                "name": "Ada Byron",
                "language": "en",
                "time_zone": "America/Los_Angeles",
                "attributes": {"clinic": "Elm Street", "visits": 3},
            },
            request_only=True,
        )
    ]
)
class ContactSerializer(StrictModel):
    phone = PhoneField()
    country = serializers.CharField(
        max_length=2, required=False, allow_blank=True, help_text="Two letters; without it, the number's own country."
    )
    attributes = AttributesField(required=False, help_text=AttributesField.__doc__)

    class Meta:
        model = Contact
        fields = [
            "id",
            "phone",
            "name",
            "language",
            "time_zone",
            "country",
            "attributes",
            "created_at",
            "updated_at",
        ]

    def validate_language(self, value: str) -> str:
        return _read(value, language_tag, "Use a language tag, such as en or pt-BR.")

    def validate_time_zone(self, value: str) -> str:
        return _read(value, time_zone_name, "Use an IANA time zone, such as Europe/Paris.")

    def validate_country(self, value: str) -> str:
        return _read(value, country_code, "Use the two letters of a country, such as FR.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "phone" in attrs and not attrs.get("country"):
            attrs["country"] = normalise(attrs["phone"], default_country=None).country
        return attrs


def _read(value: str, read: Any, message: str) -> str:
    if not value:
        return ""
    clean: str | None = read(value)
    if clean is None:
        raise serializers.ValidationError(message)
    return clean


class ListSerializer(StrictModel):
    class Meta:
        model = ContactList
        fields = ["id", "name", "description", "is_marketing", "size", "created_at"]
        read_only_fields = ["size"]
        extra_kwargs = {"description": {"max_length": 2000}, "size": {"help_text": "How many contacts are on it."}}


@extend_schema_serializer(examples=[OpenApiExample("Add two", value={"add": [17, 18]}, request_only=True)])
class MembersChangeSerializer(Strict):
    add = BoundedIds(required=False, help_text="Ids of contacts to put on the list.")
    remove = BoundedIds(required=False, help_text="Ids of contacts to take off the list.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give ids to add, to remove, or both.")
        if both := set(attrs.get("add", ())) & set(attrs.get("remove", ())):
            raise serializers.ValidationError(f"Contact {min(both)} is to be added and removed: give it once.")
        return attrs


class MembersChangedSerializer(serializers.Serializer):
    added = serializers.IntegerField(help_text="How many were not on it before.")
    removed = serializers.IntegerField(help_text="How many were on it before.")
    size = serializers.IntegerField(help_text="How many are on it now.")


class SuppressionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Suppression
        fields = [
            "id",
            "phone",
            "scope",
            "reason",
            "evidence",
            "created_at",
            "reviewed_at",
            "lifted_at",
            "lifted_evidence",
        ]


class PhonesSerializer(Strict):
    phones = serializers.ListField(child=PhoneField(), min_length=1, max_length=1000)
    scope = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="The sender that it is about, by its address. Empty: every sender.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Somebody said stop by e-mail",
            value={"phones": ["+14155550123"], "reason": "opted_out", "evidence": "E-mail of 2 November"},
            request_only=True,
        )
    ]
)
class SuppressSerializer(PhonesSerializer):
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices, default=Suppression.Reason.MANUAL)
    evidence = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="What it rests on."
    )


class LiftSerializer(PhonesSerializer):
    evidence = serializers.CharField(max_length=200, help_text="What makes it right to text them again.")


@extend_schema_serializer(component_name="SuppressionsChanged")
class ChangedSerializer(serializers.Serializer):
    changed = serializers.IntegerField(help_text="How many numbers this made a difference to.")
