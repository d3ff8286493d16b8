"""Webhooks over HTTP: who is told of what, what was sent, and sending it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.answers import shown_once
from contacts.api.fields import Strict, StrictModel, key_label
from contacts.api.refusals import BadParameter, Invalid, WrongState
from delivery import clock
from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.webhooks import endpoints, events, outbox, replay, signing

STATES = {state.name.lower(): state for state in WebhookDelivery.State}

_WEBHOOK = {
    "id": 3,
    "url": "https://example.org/webhooks",
    "description": "Clinic system",
    "events": ["message.*", "contact.opted_out"],
    "enabled": True,
    "disabled_reason": "",
    "failing_since": None,
    "last_error": "",
    "last_error_at": None,
    "last_success_at": "2026-11-02T09:30:05Z",
    "created_at": "2026-11-01T08:00:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("Healthy", value=_WEBHOOK, response_only=True)])
class WebhookSerializer(StrictModel):
    """An address that is told of events."""

    url = serializers.CharField(max_length=500, help_text="https:// on a public host.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=events.NAMES),
        required=False,
        allow_empty=False,
        max_length=len(events.NAMES),
        help_text="Names of events, message.* for all of a kind, * for all.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = list(_WEBHOOK)
        read_only_fields = [name for name in fields if name not in ("url", "description", "events", "enabled")]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Made", value={**_WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}, response_only=True
        )
    ]
)
class NewWebhookSerializer(WebhookSerializer):
    """The same, with its secret: shown here and never again."""

    secret = serializers.CharField(
        read_only=True, allow_null=True, help_text="Null where a repeated request is answered: make a new one."
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = [*WebhookSerializer.Meta.read_only_fields, "secret"]


@extend_schema_serializer(component_name="WebhookSecret")
class SecretSerializer(serializers.Serializer):
    secret = serializers.CharField(allow_null=True, help_text="Shown here and never again.")
    previous_until = serializers.DateTimeField(help_text="Until then the one before it signs as well.")


@extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
class _DataField(serializers.JSONField):
    """What an event says: its `data` in the section of webhooks."""


class DeliverySerializer(serializers.ModelSerializer):
    """One event for one webhook, and what came of it."""

    event = serializers.SerializerMethodField(help_text="The `webhook-id` that it is sent with.")
    state = serializers.SerializerMethodField()
    data = _DataField(  # type: ignore[assignment]  # a field's name, and a property of serializers
        allow_null=True, help_text="null: not kept any more."
    )

    class Meta:
        model = WebhookDelivery
        fields = [
            *("id", "event", "type", "at", "state", "tries", "code", "error", "took_ms", "not_before", "ended_at"),
            "data",
        ]

    def get_event(self, delivery: WebhookDelivery) -> str:
        return signing.known_as(delivery.event_id)

    @extend_schema_field(serializers.ChoiceField(choices=list(STATES)))
    def get_state(self, delivery: WebhookDelivery) -> str:
        return WebhookDelivery.State(delivery.state).name.lower()


class ReplaySerializer(Strict):
    """One event, or those that happened in a time."""

    event = serializers.CharField(required=False, max_length=40, help_text="Its `webhook-id`.")
    since = serializers.DateTimeField(required=False, help_text="What happened at or after this time.")
    until = serializers.DateTimeField(required=False, help_text="What happened before this time; left out: now.")
    delivered_too = serializers.BooleanField(
        default=False, help_text="Also what was taken, not only what was given up."
    )

    def validate_event(self, text: str) -> UUID:
        try:
            return UUID(text.removeprefix("evt_"))
        except ValueError:
            raise serializers.ValidationError("This is no event's id; one looks like evt_019a4f2e….") from None

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("event" in data) == ("since" in data):
            raise serializers.ValidationError("Name one event, or the time since when; not both.")
        return data


@extend_schema_serializer(component_name="WebhookReplayed")
class ReplayedSerializer(serializers.Serializer):
    replayed = serializers.IntegerField(source="number", help_text="Sent again, under the ids that they had.")
    last = serializers.DateTimeField(allow_null=True, help_text="When the last of them happened.")
    all = serializers.BooleanField(
        source="is_all", help_text=f"false: {replay.MOST:,} is what one request does; go on since `last`."
    )


class PingedSerializer(serializers.Serializer):
    event = serializers.CharField(help_text="The `webhook-id` that it is sent with.")


class StatusSecretSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="The same each time, for this API key.")


class WebhookViewSet(viewsets.ReadOnlyModelViewSet[WebhookEndpoint]):
    """Systems that are told of what happens, by the Standard Webhooks specification."""

    scope = "webhooks"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = endpoints.present().filter(api_key_id=None).defer("secret")
    serializer_class = WebhookSerializer
    query_params: tuple[str, ...] = ()

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def create(self, request: Request) -> Response:
        """Have a system told of events. The answer has the secret that they are signed with, this once."""
        data = WebhookSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        with _refusals():
            made, secret = endpoints.make(**{"events": ["*"], **data.validated_data}, by=key_label(request))
        shown = WebhookSerializer(made).data
        return shown_once({**shown, "secret": secret}, "secret", status=201)

    @extend_schema(request=WebhookSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. Switched on again it gets all that still waits for it."""
        found = self.get_object()
        data = WebhookSerializer(found, data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        with _refusals():
            return Response(WebhookSerializer(endpoints.change(found, **data.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove it, with all that it was told and that waits for it."""
        endpoints.remove(self.get_object())
        return Response(status=204)

    @extend_schema(
        operation_id="webhooks_deliveries_list",
        responses=DeliverySerializer(many=True),
        parameters=[OpenApiParameter("state", enum=list(STATES), description="Only those.")],
    )
    @action(detail=True, query_params=("state",))
    def deliveries(self, request: Request, pk: str) -> Response:
        """What it was sent and is to be sent, the newest first."""
        found: QuerySet[WebhookDelivery] = WebhookDelivery.objects.filter(endpoint=self.get_object())
        if (wanted := request.query_params.get("state")) is not None:
            if wanted not in STATES:
                raise BadParameter("state", f"Give one of {', '.join(STATES)}.")
            found = found.filter(state=STATES[wanted])
        page = self.paginate_queryset(found)  # type: ignore[arg-type]  # of another model than the view's own
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)

    @extend_schema(request=ReplaySerializer, responses={200: ReplayedSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Send one event again, or those of a time, under the ids that they had."""
        found = self._switched_on()
        asked = ReplaySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        if "event" in data:
            done = replay.one(found, data["event"])
        else:
            until = data.get("until") or clock.now()
            done = replay.between(found, data["since"], until, delivered_too=data["delivered_too"])
        return Response(ReplayedSerializer(done).data)

    @extend_schema(request=None, responses={200: SecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """A new secret, shown this once. The one before it signs as well for a day."""
        found = self.get_object()
        secret = endpoints.rotate(found)
        found.refresh_from_db(fields=["previous_until"])
        data = SecretSerializer({"secret": secret, "previous_until": found.previous_until}).data
        return shown_once(data, "secret")

    @extend_schema(operation_id="webhooks_status_secret", responses=StatusSecretSerializer)
    @action(detail=False, url_path="status-secret", pagination_class=None)
    def status_secret(self, request: Request) -> Response:
        """What is signed with where a message of this key names its own address (`status_webhook`)."""
        answer = Response({"secret": signing.secret_of_key(request.auth.pk)})
        answer["Cache-Control"] = "no-store"
        return answer

    @extend_schema(request=None, responses={202: PingedSerializer})
    @action(detail=True, methods=["post"])
    def ping(self, request: Request, pk: str) -> Response:
        """Send it a test, whatever it subscribed to."""
        event_id = outbox.ping(self._switched_on())
        return Response({"event": signing.known_as(event_id)}, status=202)

    def _switched_on(self) -> WebhookEndpoint:
        found = self.get_object()
        if not found.enabled:
            raise WrongState("This webhook is switched off: nothing is sent to it.")
        return found


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except endpoints.Refused as error:
        raise Invalid(error.field, str(error)) from None
