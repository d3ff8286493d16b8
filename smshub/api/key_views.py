"""API keys over HTTP: made and shown once, bound, rotated, revoked, by keys that may do as much themselves."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
import structlog
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.answers import shown_once
from contacts.api.fields import RelatedId, Strict, key_label, validated
from contacts.api.filters import IdFilter
from contacts.api.refusals import Invalid, WrongState
from delivery.models import TEST_PROVIDER, Sender
from smshub.api import delegation, keys, networks
from smshub.api.models import ApiKey

log = structlog.get_logger(__name__)

#: Each has 44 characters at most, and all of them fit into the column.
MOST_NETWORKS = 8
_LONGEST_HOURS = keys.LONGEST_OVERLAP // timedelta(hours=1)
_LIVE_SENDERS = Sender.objects.exclude(provider_id=TEST_PROVIDER)


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": MOST_NETWORKS})
class NetworksField(serializers.Field):
    """Addresses and networks, kept as one text."""

    def to_internal_value(self, data: Any) -> str:
        listed = serializers.ListField(child=serializers.CharField(max_length=64), max_length=MOST_NETWORKS)
        try:
            return networks.tidy(" ".join(listed.run_validation(data)))
        except ValueError as error:
            raise serializers.ValidationError(f"{error}.") from None

    def to_representation(self, data: Any) -> list[str]:
        return str(data).split()


class QuotaField(serializers.IntegerField):
    """Requests; null: as the hub's settings say."""

    def __init__(self) -> None:
        super().__init__(
            required=False, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="Requests; null: the hub's."
        )


class BoundsSerializer(Strict):
    """What a key is bound to, beside its scopes."""

    name = serializers.CharField(max_length=80, help_text="Which system uses it.")
    senders = RelatedId(
        queryset=_LIVE_SENDERS,
        many=True,
        required=False,
        help_text="Its messages leave by one of these; empty: by any.",
    )
    own_messages = serializers.BooleanField(
        required=False, help_text="Of messages it sees those alone that it handed in. Left out: by its scopes."
    )
    allowed_from = NetworksField(required=False, help_text="Networks that it may be used from; empty: any.")
    per_second = QuotaField()
    per_minute = QuotaField()
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="A time to come; null: never.")

    def validate_expires_at(self, ends: datetime | None) -> datetime | None:
        try:
            keys.check_end(ends)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        return ends


@extend_schema_serializer(
    examples=[
        OpenApiExample("A key that may send", value={"name": "Till 4", "scopes": ["messages:write"]}, request_only=True)
    ]
)
class IssueSerializer(BoundsSerializer):
    """What is left out is as with the key that asks."""

    mode = serializers.ChoiceField(choices=ApiKey.Mode.choices, default=ApiKey.Mode.LIVE)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=40), allow_empty=False, max_length=200, help_text="Or messages:*, or *."
    )


class RotateSerializer(Strict):
    overlap_hours = serializers.IntegerField(
        default=24, min_value=0, max_value=_LONGEST_HOURS, help_text="So long the present secret stays good as well."
    )


@extend_schema_serializer(component_name="ApiKey")
class KeySerializer(serializers.ModelSerializer):
    """A key without its secret, which nobody can have again."""

    senders = serializers.SerializerMethodField(help_text="Ids; empty: any.")
    allowed_from = NetworksField(help_text="Networks that it may be used from; empty: any.")
    made_by = serializers.IntegerField(source="made_by_id", allow_null=True, help_text="Id of the key that made it.")

    class Meta:
        model = ApiKey
        fields = [
            *("id", "name", "mode", "prefix", "scopes", "senders", "own_messages", "allowed_from", "per_second"),
            *("per_minute", "created_at", "made_by", "expires_at", "revoked_at", "last_used_at", "old_valid_until"),
            "old_used_at",
        ]

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_senders(self, key: ApiKey) -> list[int]:
        return sorted(sender.pk for sender in key.senders.all())


@extend_schema_serializer(component_name="NewApiKey")
class NewKeySerializer(KeySerializer):
    """The same, with its whole text: shown here and never again."""

    secret = serializers.CharField(allow_null=True, help_text="null where a repeated request is answered.")

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "secret"]


class KeyFilters(django_filters.FilterSet):
    made_by = IdFilter(help_text="Id of the key that made them.")

    class Meta:
        model = ApiKey
        fields: list[str] = []


class KeyViewSet(viewsets.ReadOnlyModelViewSet[ApiKey]):
    """Keys by which systems call the API. A key makes and changes keys that may no more than it may itself."""

    scope = "keys"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = ApiKey.objects.prefetch_related("senders")
    serializer_class = KeySerializer
    filterset_class = KeyFilters
    #: Use is no change.
    passing = ("last_used_at", "old_used_at")

    @extend_schema(request=IssueSerializer, responses={201: NewKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key. Its text is in this answer, and nowhere else."""
        asked = validated(IssueSerializer, request)
        caller: Any = request.auth
        with transaction.atomic():
            try:
                key, text = keys.issue(actor=None, made_by=caller, **(_usual(caller, asked["mode"]) | asked))
            except keys.UnknownScope as error:
                raise Invalid("scopes", str(error)) from None
            except ValueError as error:
                raise Invalid("senders", str(error)) from None
            self._check(key, "This API key cannot give what it does not have")
        return self._shown_with(text, key, "made", status=201)

    @extend_schema(request=BoundsSerializer, responses=KeySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. Scopes stay as they are: make another key."""
        with transaction.atomic():
            key = self._own_or_less(pk)
            data = BoundsSerializer(key, data=request.data, partial=True)
            data.is_valid(raise_exception=True)
            try:
                keys.change(key, **data.validated_data)
            except ValueError as error:
                raise Invalid("senders", str(error)) from None
            key = get_object_or_404(self.get_queryset(), pk=key.pk)
            self._check(key, "This API key cannot give what it does not have")
        self._note(key, "changed")
        return Response(KeySerializer(key).data)

    @extend_schema(request=RotateSerializer, responses={200: NewKeySerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def rotate(self, request: Request, pk: str) -> Response:
        """A new secret, shown this once. The present one stays good for a while; one before it ends now."""
        overlap = timedelta(hours=validated(RotateSerializer, request)["overlap_hours"])
        with transaction.atomic():
            key = self._own_or_less(pk)
            try:
                text = keys.rotate(key, overlap=overlap)
            except keys.KeyRevoked:
                raise WrongState("This key is revoked: make a new one.") from None
        return self._shown_with(text, get_object_or_404(self.get_queryset(), pk=pk), "rotated")

    @extend_schema(request=None, responses={200: KeySerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def revoke(self, request: Request, pk: str) -> Response:
        """End it for good, with its next request. Keys that it has made stay: list them by `made_by`."""
        with transaction.atomic():
            keys.revoke(self._own_or_less(pk))
        key = get_object_or_404(self.get_queryset(), pk=pk)
        self._note(key, "revoked")
        return Response(KeySerializer(key).data)

    def _own_or_less(self, pk: str) -> ApiKey:
        """The key of this id, locked. Raises Http404, and PermissionDenied for one that may more than the caller's."""
        key = get_object_or_404(self.get_queryset().select_for_update(), pk=pk)
        self._check(key, "This key is out of reach for one that lacks")
        return key

    def _check(self, key: ApiKey, lead: str) -> None:
        caller: Any = self.request.auth
        if found := delegation.beyond(delegation.rights(key), delegation.rights(caller, caller.sender_ids)):
            raise PermissionDenied(f"{lead}: {', '.join(found)}.")

    def _shown_with(self, text: str, key: ApiKey, done: str, status: int = 200) -> Response:
        self._note(key, done)
        return shown_once({**KeySerializer(key).data, "secret": text}, "secret", status=status)

    def _note(self, key: ApiKey, done: str) -> None:
        log.info("set_up", kind="apikey", id=key.pk, done=done, by=key_label(self.request))


def _usual(key: Any, mode: str) -> dict[str, Any]:
    """What a new key has if nobody says otherwise: as the one that asks."""
    usual = {name: getattr(key, name) for name in ("allowed_from", "per_second", "per_minute", "expires_at")}
    if mode == ApiKey.Mode.LIVE:
        usual["senders"] = list(Sender.objects.filter(pk__in=key.sender_ids))
        usual["own_messages"] = key.own_messages or None
    return usual
