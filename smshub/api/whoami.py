"""Which key this is and what it may do: the first call of anybody who connects."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from smshub.api import rates
from smshub.api.models import ApiKey


class QuotaSerializer(serializers.Serializer):
    name = serializers.CharField()
    requests = serializers.IntegerField()
    seconds = serializers.IntegerField(help_text="The window they are counted in.")


class WhoAmISerializer(serializers.ModelSerializer):
    senders = serializers.ListField(
        source="sender_ids",
        child=serializers.IntegerField(),
        help_text="Ids of the senders that its messages may leave by; empty: any.",
    )
    allowed_from = serializers.SerializerMethodField(help_text="Networks it may be used from; empty: any.")
    rate_limits = serializers.SerializerMethodField()

    class Meta:
        model = ApiKey
        fields = [
            *("name", "mode", "prefix", "scopes", "senders", "allowed_from", "rate_limits", "created_at", "expires_at"),
            *("old_valid_until", "own_messages"),
        ]
        extra_kwargs = {
            "old_valid_until": {"help_text": "Until when the secret before the last rotation is good as well."},
            "own_messages": {"help_text": "Of messages it sees those alone that it handed in."},
        }

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_allowed_from(self, key: ApiKey) -> list[str]:
        return key.allowed_from.split()

    @extend_schema_field(QuotaSerializer(many=True))
    def get_rate_limits(self, key: ApiKey) -> Any:
        return QuotaSerializer(rates.quotas(key.per_second, key.per_minute), many=True).data


class WhoAmI(APIView):
    """The key that calls, and what it may do."""

    scope = ""

    @extend_schema(
        operation_id="whoami",
        tags=["whoami"],
        responses=WhoAmISerializer,
        examples=[
            OpenApiExample(
                "A key that may send",
                value={
                    "name": "Web shop",
                    "mode": "live",
                    "prefix": "k3Jd92LmQp",
                    "scopes": ["messages:read", "messages:write"],
                    "senders": [1],
                    "allowed_from": ["192.0.2.7/32"],
                    "rate_limits": [{"name": "second", "requests": 500, "seconds": 1}],
                    "created_at": "2026-11-02T09:30:00Z",
                    "expires_at": None,
                    "old_valid_until": None,
                    "own_messages": True,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(WhoAmISerializer(request.auth).data)
