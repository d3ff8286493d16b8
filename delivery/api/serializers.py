"""What messages, senders and texts received look like on the wire."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from contacts.api.fields import PhoneField, Strict
from delivery import errors
from delivery.connector import panel as connections
from delivery.errors import ADVICE, Failure, Suppressed
from delivery.lanes import Lane
from delivery.models import (
    HealthChange,
    Inbound,
    Message,
    MessageEvent,
    MessagePart,
    MessageRequest,
    Provider,
    ProviderHealth,
    Route,
    Sender,
)
from delivery.providers import registry
from delivery.providers.base import ConnectionState
from delivery.routing import health
from delivery.states import MEANING, Status

LANES = {lane.name.lower(): lane for lane in Lane}


class LaneField(serializers.ChoiceField):
    """How urgent: alerts overtake transactional texts, those reminders, those bulk."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("choices", None)
        super().__init__(choices=list(LANES), **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return LANES[super().to_internal_value(data)]

    def to_representation(self, value: Any) -> str:
        return value if isinstance(value, str) else Lane(value).name.lower()


MESSAGE = {
    "id": "019a4f2e-7c1b-7d3a-9f55-2b8c1e0d4a67",
    "to": "+14155550123",
    "body": "Your table is ready.",
    "campaign": None,
    "contact": None,
    "sender": {"id": 1, "address": "+14155550100"},
    "lane": "transactional",
    "status": "delivered",
    "reason": "",
    "waits_for": "",
    "error_code": "",
    "encoding": "gsm7",
    "segments": 1,
    "cost": "0.00750",
    "client_reference": "order-4711",
    "metadata": {"shop": "Elm Street"},
    "created_at": "2026-11-02T09:30:00Z",
    "not_before": None,
    "valid_until": "2026-11-02T10:30:00Z",
    "sent_at": "2026-11-02T09:30:01Z",
    "final_at": "2026-11-02T09:30:04Z",
}


class SenderOfSerializer(serializers.ModelSerializer):
    class Meta:
        model = Sender
        fields = ["id", "address"]


@extend_schema_serializer(examples=[OpenApiExample("Delivered", value=MESSAGE, response_only=True)])
class MessageSerializer(serializers.ModelSerializer):
    to = serializers.CharField(source="recipient", help_text="E.164.")
    campaign = serializers.SerializerMethodField(help_text="Id of the campaign; null for a message of its own.")
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    sender = SenderOfSerializer(allow_null=True)
    body = serializers.CharField(allow_null=True, help_text="Null: it is no longer kept.")
    lane = LaneField()
    status = serializers.ChoiceField(choices=Status.choices)
    client_reference = serializers.SerializerMethodField(help_text="What its caller calls it; empty: nothing.")
    metadata = serializers.SerializerMethodField(help_text="What its caller keeps with it.")
    waits_for = serializers.SerializerMethodField(
        help_text="What holds it until `not_before`: quiet_hours, frequency_cap or local_time; empty: none."
    )

    class Meta:
        model = Message
        fields = list(MESSAGE)
        read_only_fields = fields

    def get_waits_for(self, message: Message) -> str:
        return message.waits_for if message.status == Status.HELD else ""

    def get_campaign(self, message: Message) -> int | None:
        return message.campaign_id or None

    def get_client_reference(self, message: Message) -> str:
        request = _request(message)
        return request.client_reference if request else ""

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_metadata(self, message: Message) -> dict[str, Any]:
        request = _request(message)
        return request.metadata if request else {}


def _request(message: Message) -> MessageRequest | None:
    """What its caller said of it; None: it did not come by the API."""
    return getattr(message, "request", None)


class EventSerializer(serializers.ModelSerializer):
    meaning = serializers.SerializerMethodField()

    class Meta:
        model = MessageEvent
        fields = ["at", "status", "meaning", "source", "attempt", "reason", "code", "detail"]

    def get_meaning(self, event: MessageEvent) -> str:
        return MEANING[Status(event.status)]


@extend_schema_serializer(component_name="MessagePart")
class PartSerializer(serializers.ModelSerializer):
    """One of several messages of the provider's that a text went as."""

    part = serializers.IntegerField(source="place", help_text="Its place in the text, from 1.")

    class Meta:
        model = MessagePart
        fields = ["attempt", "part", "provider_message_id", "status", "reason", "code", "at"]


class ExplanationSerializer(serializers.Serializer):
    status = serializers.CharField(help_text="What the status means.")
    reason = serializers.CharField(allow_blank=True, help_text="Why, in words.")
    advice = serializers.CharField(allow_blank=True, help_text="What to do about it.")
    code = serializers.CharField(allow_blank=True, help_text="The provider's code in words.")
    link = serializers.CharField(allow_blank=True, help_text="The provider's page about the code.")


_DETAIL = {
    **MESSAGE,
    "provider_message_id": "SM0123456789abcdef0123456789abcdef",
    "attempt": 1,
    "status_webhook": "",
    "explanation": {
        "status": MEANING[Status.DELIVERED],
        "reason": "",
        "advice": "",
        "code": "",
        "link": "",
    },
    "events": [
        {
            "at": "2026-11-02T09:30:04Z",
            "status": "delivered",
            "meaning": MEANING[Status.DELIVERED],
            "source": "receipt",
            "attempt": 1,
            "reason": "",
            "code": "",
            "detail": "",
        }
    ],
    "parts": [],
}
_MORE = ("provider_message_id", "attempt", "status_webhook", "explanation", "events", "parts")


@extend_schema_serializer(examples=[OpenApiExample("Delivered, with its story", value=_DETAIL, response_only=True)])
class MessageDetailSerializer(MessageSerializer):
    """A message with its timeline, oldest first, and its state in words."""

    events = EventSerializer(many=True, source="timeline")
    parts = PartSerializer(many=True, help_text="Empty: it went as one.")
    status_webhook = serializers.SerializerMethodField(help_text="What is told of its status; empty: nothing.")
    explanation = serializers.SerializerMethodField()

    class Meta(MessageSerializer.Meta):
        fields = [*MessageSerializer.Meta.fields, *_MORE]
        read_only_fields = fields

    def get_status_webhook(self, message: Message) -> str:
        request = _request(message)
        return request.status_webhook if request else ""

    @extend_schema_field(ExplanationSerializer)
    def get_explanation(self, message: Message) -> dict[str, str]:
        words, link = _explain_code(message)
        return {
            "status": MEANING[Status(message.status)],
            "reason": errors.waits_in_words(message.status, message.waits_for) or _reason_label(message),
            "advice": ADVICE.get(message.reason, ""),
            "code": words,
            "link": link,
        }


def _reason_label(message: Message) -> str:
    reasons = Suppressed if message.status == Status.SUPPRESSED else Failure
    return str(dict(reasons.choices).get(message.reason, ""))


def _explain_code(message: Message) -> tuple[str, str]:
    if not message.error_code or message.provider is None:
        return "", ""
    try:
        explain = registry.kind(message.provider.adapter).explain
    except LookupError:
        return "", ""
    return explain(message.error_code) if explain else ("", "")


class SenderSerializer(serializers.ModelSerializer):
    provider = serializers.CharField(source="provider.name")

    class Meta:
        model = Sender
        fields = ["id", "address", "provider", "rate", "enabled", "is_default"]


class RouteSerializer(serializers.ModelSerializer):
    country = serializers.CharField(help_text="Two letters; empty: any.")
    lane = LaneField(allow_null=True, help_text="null: any.")
    tier = serializers.IntegerField(source="order", help_text="Used when lower tiers cannot take it.")
    sender = SenderOfSerializer()
    provider = serializers.CharField(source="sender.provider.name")

    class Meta:
        model = Route
        fields = ["id", "channel", "country", "lane", "tier", "sender", "provider", "weight", "enabled"]


class CheckSerializer(Strict):
    to = PhoneField()
    lane = LaneField(default=Lane.TRANSACTIONAL)


class CheckedSerializer(serializers.Serializer):
    """Where a message without a named sender would go now."""

    country = serializers.CharField(help_text="Of the number; empty: of none.")
    sender = SenderOfSerializer(allow_null=True, help_text="null: nothing leads there.")
    provider = serializers.CharField(allow_null=True)
    why = serializers.CharField(help_text="In words.")


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
    """An account and how it does. Its settings and secrets are not shown."""

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
    """The same, with its connections and the last changes of its health, the newest first."""

    connections = serializers.SerializerMethodField(help_text="null: it holds none.")
    changes = serializers.SerializerMethodField()

    class Meta(ProviderSerializer.Meta):
        fields = [*ProviderSerializer.Meta.fields, "connections", "changes"]

    @extend_schema_field(ConnectionsSerializer(allow_null=True))
    def get_connections(self, provider: Provider) -> Any:
        if provider.adapter not in registry.connected():
            return None
        return ConnectionsSerializer(connections.panel(provider)).data

    @extend_schema_field(HealthChangeSerializer(many=True))
    def get_changes(self, provider: Provider) -> Any:
        return HealthChangeSerializer(health.history(provider.pk), many=True).data


class InboundSerializer(serializers.ModelSerializer):
    phone = serializers.CharField(help_text="Who wrote, E.164.")
    body = serializers.CharField(allow_null=True, allow_blank=True, help_text="Null: it is no longer kept.")
    keyword = serializers.CharField(allow_blank=True, help_text="stop, start, help or refusal; empty: conversation.")

    class Meta:
        model = Inbound
        fields = ["id", "phone", "recipient", "body", "keyword", "received_at"]
