"""The API as a Postman collection (v2.1), made of the OpenAPI document, so that the two cannot say different things.

Postman reads OpenAPI too. The collection comes with what it would have to be told then: the key as a variable, one
folder for each kind of thing, and examples that are sent as they stand.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from smshub.api import schema

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
#: Parameters in headers that a request is sent with; others are offered, and switched off.
_SENT = {"Idempotency-Key": "{{$guid}}"}


@cache
def collection() -> bytes:
    """The whole API as JSON. It holds no key, and is the same for everybody."""
    document = json.loads(schema.document())
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            folders.setdefault(operation["tags"][0], []).append(_item(path, method, operation, document))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    made = {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": FORMAT,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{apiKey}}", "type": "string"}]},
        "variable": [
            {"key": "baseUrl", "value": _origin(), "type": "string"},
            {"key": "apiKey", "value": "", "type": "string"},
        ],
        "item": [{"name": tag, "description": about[tag], "item": items} for tag, items in folders.items()],
    }
    return json.dumps(made, ensure_ascii=False, indent=1).encode()


def _origin() -> str:
    public = urlsplit(settings.PUBLIC_URL)
    return f"{public.scheme}://{public.netloc}"


def _item(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [one for one in operation.get("parameters", ()) if one["in"] != "path"]
    steps = [step.replace("{", ":").replace("}", "") for step in path.strip("/").split("/")]
    query = [_off(one) for one in parameters if one["in"] == "query"]
    headers = [
        {"key": one["name"], "value": _SENT[one["name"]], "description": one["description"]}
        if one["name"] in _SENT
        else _off(one)
        for one in parameters
        if one["in"] == "header"
    ]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation["description"],
        "header": headers,
        "url": {
            "raw": "{{baseUrl}}/" + "/".join(steps),
            "host": ["{{baseUrl}}"],
            "path": steps,
            "query": query,
            "variable": [{"key": "id", "value": ""}] if ":id" in steps else [],
        },
    }
    if body := _body(operation.get("requestBody", {}).get("content", {}), document):
        request["body"] = body
        if body["mode"] == "raw":
            headers.append({"key": "Content-Type", "value": "application/json"})
    return {"name": operation["summary"], "request": request, "response": []}


def _off(parameter: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": parameter["name"], "value": "", "description": parameter["description"], "disabled": True}


def _body(content: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any] | None:
    if "application/json" in content:
        shown = json.dumps(_example(content["application/json"]), ensure_ascii=False, indent=2)
        return {"mode": "raw", "raw": shown, "options": {"raw": {"language": "json"}}}
    if "multipart/form-data" in content:
        name = content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
        fields = document["components"]["schemas"][name]["properties"]
        return {"mode": "formdata", "formdata": [_field(key, said) for key, said in fields.items()]}
    return None


def _example(media: Mapping[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    return next(iter(media["examples"].values()))["value"]


def _field(key: str, said: Mapping[str, Any]) -> dict[str, Any]:
    about = {"key": key, "description": said.get("description", "")}
    if said.get("format") == "binary":
        return about | {"type": "file", "src": []}
    return about | {"type": "text", "value": "", "disabled": True}


@require_safe
def postman(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(collection(), content_type="application/json")
