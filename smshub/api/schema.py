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
from smshub.api import idempotency, sparse
from smshub.api.auth import required_scope
from smshub.api.problems import CONTENT_TYPE

_ALWAYS = {
    "400": "Not valid: `errors` names the fields or parameters.",
    "401": "No API key, or not a valid one.",
    "403": "The key lacks the scope, named in `missing_scope`.",
    "406": "Only JSON can be had.",
    "429": "The key's quota is used up: wait `Retry-After` seconds.",
}
_WITH_ID = {"404": "There is nothing with this id."}
_WITH_BODY = {
    "409": "The present state does not allow it, or a twin with the same Idempotency-Key is at work.",
    "412": "It is not in the state that `If-Match` names.",
    "411": "The body came without its length.",
    "413": "The body is too large.",
    "415": "Not a kind of body that is understood.",
    "422": "The Idempotency-Key was used for another request.",
}

_CHANGES = ("PATCH", "DELETE")

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
#: Of every answer to a key; `ETag` where it shows one thing.
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Request-Id": ("Quote it when asking about this request.", {"type": "string", "format": "uuid"}),
    "RateLimit-Policy": ("The key's quotas: requests (q) in a window of seconds (w).", _TEXT),
    "RateLimit": ("Of each, the requests that are left (r), and in how many seconds there are all again (t).", _TEXT),
    "RateLimit-Limit": ("Requests of the quota that is nearest to its end.", _NUMBER),
    "RateLimit-Remaining": ("What is left of it.", _NUMBER),
    "RateLimit-Reset": ("Seconds until it begins anew.", _NUMBER),
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
        if self.method == "GET":
            parameters.append(
                OpenApiParameter(
                    sparse.PARAMETER, str, description="Only these fields of the answer, with commas between."
                )
            )
        elif "{" in self.path and hasattr(self.view, "retrieve"):
            parameters.append(
                OpenApiParameter(
                    "If-Match", str, OpenApiParameter.HEADER, description="Only if it is in this state: an `ETag`."
                )
            )
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
        expected |= {code: _WITH_BODY[code] for code in ("409", "412")} if self.method == "DELETE" else {}
        expected |= {"428": "`If-Match` is missing, and this hub asks for it."} if self.method in _CHANGES else {}
        if self.method == "GET" and "{" in self.path and getattr(self.view, "action", "") == "retrieve":
            responses["304"] = {"description": "It is in the state that `If-None-Match` names."}
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


def with_headers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of the generator: what stands above every answer, said once and referred to."""
    result["components"]["headers"] = {
        name: {"description": description, "schema": schema} for name, (description, schema) in _HEADERS.items()
    }
    for methods in result["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                refs = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
                answer["headers"] = refs | answer.get("headers", {})
    return result


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
