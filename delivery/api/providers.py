"""Accounts with those who carry messages, over HTTP: how they do, set up, switched on and off, and their prices."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import Strict, StrictModel, key_label, validated
from contacts.api.refusals import Invalid, WrongState
from delivery import accounts, prices
from delivery.api import senders
from delivery.api.setting_up import SetUpViewSet
from delivery.connector import panel as connections
from delivery.models import TEST_PROVIDER, HealthChange, Provider, ProviderHealth
from delivery.providers import registry
from delivery.providers.base import BadConfiguration, ConnectionState
from delivery.routing import health

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
        return HealthChangeSerializer(health.history(provider.pk), many=True).data


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]})
class SettingField(serializers.Field):
    """A text, a whole number, true or false; null takes it away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | int) or (isinstance(data, str) and len(data) > LONGEST):
            raise serializers.ValidationError(f"Give a text of at most {LONGEST} characters, a number, true or false.")
        return data


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
    """Which settings and secrets there are is said in the admin's form of that kind, and by what is refused."""

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


class ProviderCheckedSerializer(serializers.Serializer):
    usable = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True, help_text="What is wrong with it, in words.")


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


class ProviderViewSet(SetUpViewSet):
    """Accounts with those who carry messages, and how they do. Messages refer to them: they are switched off instead of
    removed."""

    scope = "providers"
    reads = ("check",)
    #: Health and connections change by themselves, and no change is about them.
    passing = ("health", "connections", "changes")
    queryset = Provider.objects.exclude(pk=TEST_PROVIDER).select_related("health")
    serializer_class = ProviderSerializer
    written_by = ProviderChangeSerializer

    def shown(self, thing: Provider) -> Any:
        return ProviderDetailSerializer(thing, context=self.get_serializer_context()).data

    def keep(self, thing: Provider, given: dict[str, Any], changed: set[str]) -> None:
        try:
            accounts.save(thing, given.get("secrets", {}))
        except BadConfiguration as error:
            raise Invalid("non_field_errors", str(error)) from None

    @extend_schema(responses=ProviderDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One provider, with what it is set up with, and the last changes of its health and why."""
        return Response(self.shown(self.get_object()))

    @extend_schema(request=ProviderChangeSerializer, responses={201: ProviderDetailSerializer})
    def create(self, request: Request) -> Response:
        """Set an account up. It is on at once; its senders are made after it."""
        return super().create(request)

    @extend_schema(request=ProviderChangeSerializer, responses=ProviderDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. With another address all secrets that are kept have to be given again."""
        return super().partial_update(request, pk)

    @extend_schema(request=None, responses={200: ProviderCheckedSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Whether the account is complete and its addresses lead somewhere. The provider itself is not asked."""
        try:
            accounts.check(self.get_object())
        except BadConfiguration as error:
            return Response({"usable": False, "problem": str(error)})
        return Response({"usable": True, "problem": ""})

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Send through it. Refused with 409 while the account is not complete."""
        provider = self.switched(pk)
        try:
            accounts.enable(provider)
        except BadConfiguration as error:
            raise WrongState(str(error)) from None
        return self._noted(provider, "switched on")

    @extend_schema(request=DisableSerializer, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Send nothing more through it. What is queued waits, or goes another way."""
        reason = validated(DisableSerializer, request)["reason"]
        provider = self.switched(pk)
        accounts.disable(provider, reason)
        return self._noted(provider, "switched off")

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def bind(self, request: Request, pk: str) -> Response:
        """Have its connections made again."""
        provider = self.switched(pk)
        accounts.bind(provider)
        return self._noted(provider, "bound")

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def unbind(self, request: Request, pk: str) -> Response:
        """Have its connections given up when what is under way has its answer. It stays switched on."""
        provider = self.switched(pk)
        accounts.unbind(provider, key_label(request))
        return self._noted(provider, "unbound")

    @extend_schema(operation_id="providers_prices_retrieve", responses=PricesSerializer)
    @action(detail=True)
    def prices(self, request: Request, pk: str) -> Response:
        """What a segment costs with it, by country."""
        return self._prices(self.get_object())

    @extend_schema(operation_id="providers_prices_replace", request=PricesSerializer, responses={200: PricesSerializer})
    @prices.mapping.post
    def replace_prices(self, request: Request, pk: str) -> Response:
        """Set all of its prices. They hold for messages from now on."""
        given = validated(PricesSerializer, request)["prices"]
        provider = self.switched(pk)
        prices.replace(provider, given)
        self.note(provider, "priced", set())
        return self._prices(provider)

    def switched(self, pk: str) -> Provider:
        """The provider that an action is about. Raises Http404, PermissionDenied."""
        senders.check_set_up(self.request, None)
        found: Provider = self.get_object()
        return found

    def _noted(self, provider: Provider, done: str) -> Response:
        self.note(provider, done, set())
        return Response(self.shown(provider))

    def _prices(self, provider: Provider) -> Response:
        return Response({"prices": prices.by_country(provider), "currency": settings.CURRENCY})
