"""What providers look like on the wire: how they do, what they are set up with, and what they are set up by."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from contacts.api.fields import Strict, StrictModel
from delivery import accounts, prices
from delivery.connector import panel as connections
from delivery.models import HealthChange, Provider, ProviderHealth
from delivery.providers import registry
from delivery.providers.base import Access, ConnectionState
from delivery.routing import health as measured
from delivery.routing.rules import Pin

#: Whoever may change settings sees them, as in the admin.
WRITE = "providers:write"
LONGEST = 4000


class HealthChangeSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="actor_label", help_text="Who; empty: SMSHub itself.")

    class Meta:
        model = HealthChange
        fields = ["at", "from_state", "to_state", "from_factor", "factor", "reason", "by", "moved"]


class HealthSerializer(serializers.ModelSerializer):
    pinned = serializers.BooleanField(source="pin", help_text="Whether a person decided it.")

    class Meta:
        model = ProviderHealth
        fields = ["state", "factor", "since", "reason", "pinned"]


class ProviderSerializer(serializers.ModelSerializer):
    """An account and how it does."""

    health = serializers.SerializerMethodField()

    class Meta:
        model = Provider
        fields = ["id", "name", "adapter", "rate", "enabled", "disabled_reason", "health"]

    @extend_schema_field(HealthSerializer)
    def get_health(self, provider: Provider) -> Any:
        return HealthSerializer(getattr(provider, "health", None) or ProviderHealth()).data


class ConnectionSerializer(serializers.Serializer):
    """One that a connector worker holds, or tries to make."""

    name = serializers.CharField()
    worker = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ConnectionState])
    since = serializers.DateTimeField()
    in_flight = serializers.IntegerField(help_text="Messages without an answer.")
    window = serializers.IntegerField(help_text="How many of them there may be; 0: it only receives.")
    error = serializers.CharField(allow_blank=True, help_text="The last trouble, in words.")
    code = serializers.CharField(allow_blank=True, help_text="The provider's name for it.")


class ConnectionsSerializer(serializers.Serializer):
    says = serializers.CharField(help_text="How the account stands, in words.")
    unbound = serializers.BooleanField(help_text="Whether a person has had them given up.")
    each = ConnectionSerializer(many=True, source="lines")


class ProviderDetailSerializer(ProviderSerializer):
    """The same, with what it is set up with, its connections and the last changes of its health, the newest first."""

    settings = serializers.SerializerMethodField(help_text="By name; null: the key may not change them.")
    secrets_set = serializers.SerializerMethodField(help_text="Names of its secrets, and whether they are set.")
    connections = serializers.SerializerMethodField(help_text="null: it holds none.")
    changes = serializers.SerializerMethodField()

    class Meta(ProviderSerializer.Meta):
        fields = [
            *ProviderSerializer.Meta.fields,
            *("max_in_flight", "answers_keywords", "settings", "secrets_set", "connections", "changes"),
        ]

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
    def get_settings(self, provider: Provider) -> dict[str, Any] | None:
        return provider.settings if WRITE in self.context["request"].auth.scopes else None

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "boolean"}})
    def get_secrets_set(self, provider: Provider) -> dict[str, bool]:
        return accounts.public_fields(provider) if provider.adapter in registry.kinds() else {}

    @extend_schema_field(ConnectionsSerializer(allow_null=True))
    def get_connections(self, provider: Provider) -> Any:
        if provider.adapter not in registry.connected():
            return None
        return ConnectionsSerializer(connections.panel(provider)).data

    @extend_schema_field(HealthChangeSerializer(many=True))
    def get_changes(self, provider: Provider) -> Any:
        return HealthChangeSerializer(measured.history(provider.pk), many=True).data


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]})
class SettingField(serializers.Field):
    """A text, a whole number, true or false; null takes it away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | int) or (isinstance(data, str) and len(data) > LONGEST):
            raise serializers.ValidationError(f"Give a text of at most {LONGEST} characters, a number, true or false.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An account with Twilio",
            value={
                "name": "Second account",
                "adapter": "twilio",
                "settings": {"account_sid": "AC0123456789abcdef0123456789abcdef"},
                "secrets": {"auth_token": "fedcba9876543210fedcba9876543210"},
                "rate": 30,
            },
            request_only=True,
        )
    ]
)
class ProviderChangeSerializer(StrictModel):
    """`GET /providers/kinds` says which settings and secrets there are."""

    adapter = serializers.CharField(max_length=40, help_text="The provider package. It cannot be changed later.")
    settings = serializers.DictField(
        child=SettingField(), required=False, help_text="By name. What is not given stays, null removes one."
    )
    secrets = serializers.DictField(
        child=serializers.CharField(allow_null=True, max_length=LONGEST),
        required=False,
        write_only=True,
        help_text="By name. What is not given stays, null removes one. They are never shown.",
    )

    class Meta:
        model = Provider
        fields = ["name", "adapter", "settings", "secrets", "rate", "max_in_flight", "answers_keywords"]
        extra_kwargs = {
            "rate": {"min_value": 1, "max_value": 2**31 - 1},
            "max_in_flight": {"min_value": 1, "max_value": 2**31 - 1},
        }

    def validate_adapter(self, name: str) -> str:
        known = sorted(kind.name for kind in registry.kinds().values() if not kind.is_test)
        if name not in known:
            raise serializers.ValidationError(f"Give one of {', '.join(known)}.")
        if self.instance is not None and self.instance.adapter != name:
            raise serializers.ValidationError("It cannot be changed: make another provider.")
        return name

    def validate_settings(self, given: dict[str, Any]) -> dict[str, Any]:
        merged = {**(self.instance.settings if self.instance else {}), **given}
        return {name: value for name, value in merged.items() if value is not None}


class DisableSerializer(Strict):
    reason = serializers.CharField(max_length=200, help_text="Shown to everybody who wonders why nothing goes out.")


class PinSerializer(Strict):
    pin = serializers.ChoiceField(
        choices=Pin.choices, allow_blank=True, help_text="healthy, or open for no messages; empty: as it is measured."
    )


class TriedSerializer(serializers.Serializer):
    """What the provider said."""

    outcome = serializers.ChoiceField(choices=[access.value for access in Access], help_text="granted: it lets us in.")
    sentence = serializers.CharField(help_text="The same in words, with the field to look at.")


class ProviderCheckedSerializer(serializers.Serializer):
    usable = serializers.BooleanField(help_text="Whether settings and secrets are complete.")
    problem = serializers.CharField(allow_blank=True, help_text="What is wrong with them, in words.")
    credentials = TriedSerializer(allow_null=True, help_text="null: the provider was not asked, as it is not usable.")


@extend_schema_serializer(
    component_name="PriceList",
    examples=[OpenApiExample("Two", value={"prices": {"GB": "0.04", "*": "0.0075"}}, request_only=True)],
)
class PricesSerializer(Strict):
    prices = serializers.DictField(
        child=serializers.CharField(max_length=20),
        help_text="What a segment costs, by the country's two letters; * is for all others.",
    )
    currency = serializers.CharField(read_only=True)

    def validate_prices(self, given: dict[str, str]) -> Any:
        try:
            return prices.read(given.items())
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class SettingSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField(source="label")
    about = serializers.CharField(source="help", allow_blank=True)
    needed = serializers.BooleanField(source="required")
    secret = serializers.BooleanField(help_text="It goes among `secrets`, and is never shown.")
    usual = SettingField(source="default", help_text="What holds where nothing is given; empty: nothing.")
    choices = serializers.ListField(child=serializers.CharField(), help_text="The values there are; empty: any.")


class ProviderKindSerializer(serializers.Serializer):
    """A provider package, and what an account of it is set up with."""

    adapter = serializers.CharField(source="name")
    title = serializers.CharField(source="label")
    settings = SettingSerializer(source="form", many=True)
