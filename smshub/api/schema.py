"""The OpenAPI document: what every operation has in common, and the two addresses that show it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from contacts.api.fields import Strict
from smshub.api import idempotency
from smshub.api.auth import required_scope
from smshub.api.problems import CONTENT_TYPE

_ALWAYS = {
    "400": "Not valid: `errors` names the fields or parameters.",
    "401": "No API key, or not a valid one.",
    "403": "The key lacks the scope, named in `missing_scope`.",
    "406": "Only JSON can be had.",
}
_WITH_ID = {"404": "There is nothing with this id."}
_WITH_BODY = {
    "409": "The present state does not allow it, or a twin with the same Idempotency-Key is at work.",
    "411": "The body came without its length.",
    "413": "The body is too large.",
    "415": "Not a kind of body that is understood.",
    "422": "The Idempotency-Key was used for another request.",
}

_Error = inline_serializer(
    "ProblemError",
    {
        "pointer": serializers.CharField(required=False, help_text="JSON Pointer to the field; empty: the whole."),
        "parameter": serializers.CharField(required=False, help_text="The query parameter."),
        "detail": serializers.CharField(),
        "code": serializers.CharField(),
    },
    many=True,
    required=False,
)
Problem = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(help_text="Stable name of the kind of problem, for programs."),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(help_text="What is wrong and what to do, for people."),
        "errors": _Error,
        "request_id": serializers.CharField(required=False, help_text="Quote it when asking about this request."),
    },
)


class ApiSchema(AutoSchema):
    """Adds problems, scopes and idempotency to every operation, and closes the bodies of strict serializers."""

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if self.method == "POST":
            parameters.append(
                OpenApiParameter(
                    idempotency.HEADER,
                    {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY, "pattern": "^[ -~]+$"},
                    OpenApiParameter.HEADER,
                    description="Makes the request safe to repeat: the same key with the same body has one effect.",
                )
            )
        return parameters

    def get_description(self) -> str:  # type: ignore[override]  # as in the class it extends
        text = super().get_description() or ""
        scope = required_scope(self.view, self.method)
        return f"{text}\n\nNeeds the scope `{scope}`.".strip() if scope else f"{text}\n\nAny valid key will do.".strip()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        base: Any = super()
        responses = base._get_response_bodies(direction)
        expected = _ALWAYS | (_WITH_ID if "{" in self.path else {})
        expected |= _WITH_BODY if self.method in ("POST", "PATCH") else {}
        expected |= {"409": _WITH_BODY["409"]} if self.method == "DELETE" else {}
        for code, description in expected.items():
            answer = base._get_response_for_code(Problem, code, [CONTENT_TYPE], direction)
            responses.setdefault(code, answer | {"description": description})
        return dict(sorted(responses.items()))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        base: Any = super()
        schema = base._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, Strict):
            schema["additionalProperties"] = False
        return schema


class BearerKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    target_class = "smshub.api.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: `smshub_live_…`. Make one in admin or with `manage.py create_api_key`.",
        }

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        scope = required_scope(auto_schema.view, auto_schema.method)
        return {self.name: [scope] if scope else []}


@cache
def document() -> bytes:
    """The whole API as OpenAPI 3.1, in JSON. It has no secrets and is the same for everybody."""
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    return OpenApiJsonRenderer().render(schema, renderer_context={})


@require_safe
def openapi(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")
