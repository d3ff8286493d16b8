"""The OpenAPI document: what every operation has in common, and the two addresses that show it."""

import inspect
import json
import re
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
from smshub.api import announcements, idempotency, refusals, sparse
from smshub.api.auth import required_scope
from smshub.api.problems import CONTENT_TYPE

#: What is not called as its address is.
_CALLED = {"inbound": "texts received"}
_DONE = {
    "200": "Done; as it is now.",
    "201": "Made; as it is now.",
    "202": "Begun. Follow it.",
    "204": "Done.",
}
_CHANGES = ("PATCH", "DELETE")
#: What the actions that every resource has do, in few words; others are named by what they say of themselves.
_USUAL = {
    "list": "List {}",
    "retrieve": "Look at one of the {}",
    "create": "Make one of the {}",
    "partial_update": "Change one of the {}",
    "destroy": "Remove one of the {}",
}

#: Ids in addresses, which the framework knows by their patterns alone.
_ID: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_UUID: dict[str, Any] = {"type": "string", "format": "uuid"}
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
        "missing_scope": serializers.CharField(required=False, help_text="Of missing-scope: what the key lacks."),
        "existing_id": serializers.IntegerField(required=False, help_text="Of already-exists: the one there is."),
        "problems": serializers.ListField(
            child=serializers.CharField(), required=False, help_text="Of campaign-refused: all that is in the way."
        ),
        "results": serializers.ListField(
            child=serializers.DictField(), required=False, help_text="Of unfinished: of what is done."
        ),
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
        elif self._is_guarded():
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

    def get_summary(self) -> str:
        said = (super().get_description() or "").strip()
        usual = _USUAL.get(getattr(self.view, "action", None) or "")
        if usual and said == (inspect.getdoc(type(self.view)) or ""):
            tag = self.get_tags()[0]
            return usual.format(_CALLED.get(tag, tag.replace("-", " ")))
        return first_sentence(said).rstrip(".")

    def get_operation_id(self) -> str:
        return str(super().get_operation_id()).replace(".", "_")

    def get_description(self) -> str:  # type: ignore[override]  # as in the class it extends
        text = super().get_description() or ""
        scope = required_scope(self.view, self.method)
        return f"{text}\n\nNeeds the scope `{scope}`.".strip() if scope else f"{text}\n\nAny valid key will do.".strip()

    def _is_guarded(self) -> bool:
        """Whether it changes one thing, whose state `If-Match` can name."""
        return self.method != "GET" and "{" in self.path and hasattr(self.view, "retrieve")

    def _refusals(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """By status: what it means here, and the kinds of problems."""
        action, method = getattr(self.view, "action", "") or "", self.method
        expected = dict(refusals.always(has_scope=required_scope(self.view, method) is not None, method=method))
        expected |= refusals.WITH_ID if "{" in self.path else {}
        expected |= refusals.WITH_BODY if method in ("POST", "PATCH") else {}
        expected |= refusals.POSTED if method == "POST" else {}
        expected |= refusals.CHANGED if method in _CHANGES else {}
        expected |= refusals.OF_A_STATE if self._is_guarded() else {}
        expected |= refusals.IN_STEPS if action in getattr(self.view, "stepwise", ()) else {}
        if method != "GET":
            expected |= refusals.conflicts(
                method,
                of_one="{" in self.path,
                of_campaign=self.get_tags() == ["campaigns"],
                is_create=action == "create",
            )
        elif action in getattr(self.view, "refusable", ()):
            expected |= refusals.WRONG_STATE
        return expected

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        base: Any = super()
        responses = base._get_response_bodies(direction)
        if getattr(self.view, "action", "") == "retrieve" and not getattr(self.view, "passing", ()):
            responses["304"] = {"description": "It is in the state that `If-None-Match` names."}
        for code, (description, kinds) in self._refusals().items():
            answer = base._get_response_for_code(Problem, code, [CONTENT_TYPE], direction)
            answer["content"][CONTENT_TYPE]["examples"] = refusals.references(kinds)
            responses.setdefault(code, answer | {"description": description})
        for code, answer in responses.items():
            answer["description"] = answer.get("description") or _DONE[code]
        return dict(sorted(responses.items()))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        base: Any = super()
        schema = base._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, Strict):
            schema["additionalProperties"] = False
        return schema


def first_sentence(text: str) -> str:
    """Of a docstring, in one line."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0]


def completed(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """A hook of the generator: what stands above every answer, said once and referred to; what resources are; what is
    told to webhooks."""
    parts = result["components"]
    parts["headers"] = {
        name: {"description": description, "schema": schema} for name, (description, schema) in _HEADERS.items()
    }
    parts["examples"] = refusals.components()
    parts["schemas"] |= announcements.schemas()
    for methods in result["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter.setdefault("description", "Its `id`.")
                    parameter["schema"] = _ID if parameter["schema"]["pattern"].startswith("^[0-9]{") else _UUID
            for answer in operation["responses"].values():
                refs = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
                answer["headers"] = refs | answer.get("headers", {})
    result["webhooks"] = announcements.section()
    result["tags"] = [*_tags(result["paths"], generator), announcements.TAG]
    return result


def _tags(paths: dict[str, Any], generator: Any) -> list[dict[str, str]]:
    """Each kind of thing by what its view says of itself."""
    found: dict[str, str] = {}
    for path, _regex, method, view in generator._get_paths_and_endpoints():
        if operation := paths.get(path, {}).get(method.lower()):
            found.setdefault(operation["tags"][0], inspect.getdoc(type(view)) or "")
    return [{"name": name, "description": text} for name, text in found.items()]


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
    rendered = json.loads(OpenApiJsonRenderer().render(schema, renderer_context={}))
    return json.dumps(rendered, separators=(",", ":")).encode()  # half of it was white space


@require_safe
def openapi(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")
