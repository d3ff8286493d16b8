"""Which key this is and what it may do: the first call of anybody who connects."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from smshub.api.models import ApiKey


class WhoAmISerializer(serializers.ModelSerializer):
    class Meta:
        model = ApiKey
        fields = ["name", "prefix", "scopes", "created_at", "expires_at"]


class WhoAmI(APIView):
    """The key that calls, and its scopes."""

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
                    "prefix": "k3Jd92LmQp",
                    "scopes": ["messages:read", "messages:write"],
                    "created_at": "2026-11-02T09:30:00Z",
                    "expires_at": None,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(WhoAmISerializer(request.auth).data)
