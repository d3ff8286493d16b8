"""Examples for whatever has none of its own in the OpenAPI document, made from its schema.

What is written by hand, at a serializer or a field, comes first. Where a schema leaves open what a text or a number may
be, the name of the field says what it is usually.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_Schema = Mapping[str, Any]

_UUID = "019a4f2e-7c1b-7d3a-9f55-2b8c1e0d4a67"

_FORMATS: dict[str, Any] = {
    "date-time": "2030-12-01T09:00:00Z",
    "date": "2030-12-01",
    "time": "09:00:00",
    "uuid": _UUID,
    "uri": "https://sms.example.org/api/v1/lists?cursor=cD0xNw",
}

#: What fields are called, and what is usually in them. A value that its schema does not allow is not used.
_NAMES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("to", "phone", "recipient"), ("+14155550123",)),
    **dict.fromkeys(("country", "default_country"), ("US",)),
    **dict.fromkeys(("code", "error_code", "reason", "scope", "waits_for", "paused_reason", "disabled_reason"), ("",)),
    **dict.fromkeys(("error", "last_error", "problem", "waiting_for", "flag", "advice"), ("",)),
    **dict.fromkeys(("text", "body"), ("Your table is ready.",)),
    **dict.fromkeys(("template", "cancel_template"), (3,)),
    **dict.fromkeys(("contact", "audience"), (17,)),
    **dict.fromkeys(("sender",), (1, "+14155550100")),
    **dict.fromkeys(("requested_by", "recorded_by", "by", "done_by", "author"), ("API key Web shop",)),
    "address": ("+14155550100",),
    "adapter": ("twilio",),
    "provider": ("Twilio",),
    "attributes": ({"clinic": "Elm Street"},),
    "metadata": ({"order": "4711"},),
    "variables": ({"code": "482913"}, ["code"]),
    "counts": ({"messages": 12},),
    "channel": ("sms",),
    "client_reference": ("order-4711",),
    "cost": ("0.00750",),
    "currency": ("USD",),
    "delimiter": (",",),
    "description": ("Everybody who comes this week",),
    "detail": ("There is no such field.",),
    "encoding": ("gsm7", "utf-8"),
    "event": (f"evt_{_UUID.replace('-', '')}",),
    "evidence": ("E-mail of 2 November",),
    "external_id": ("A-2210",),
    "header": (["Mobile", "Name"],),
    "kind": ("check-up",),
    "language": ("en",),
    "mapping": ({"Mobile": "phone", "Name": "name"},),
    "name": ("Elm Street",),
    "original_name": ("patients.csv",),
    "phones": (["+14155550123"],),
    "prefix": ("k3v9Qm2x7B",),
    "pointer": ("/to",),
    "rule": ("FREQ=DAILY", 4),
    "samples": ([["+14155550123", "Ada Byron"]],),
    "scopes": (["messages:read", "messages:write"],),
    "source": ("api",),
    "state": ("CA",),
    "word": ("enough",),
    "statuses": (["booked", "confirmed"],),
    "time_zone": ("America/Los_Angeles",),
    "type": ("message.delivered", "/problems/validation-error"),
    "url": ("https://example.org/webhooks",),
    "wording": ("Yes, text me offers, at most twice a month.",),
}
_PLAIN: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "string": "text", "null": None}
_KINDS: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "number": (int, float)}


def filled_in(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of the generator: gives every body and answer in JSON an example, where there is none."""
    schemas = result["components"]["schemas"]
    for path in result["paths"].values():
        for operation in path.values():
            bodies = [(operation.get("requestBody", {}), True)]
            answers = [(each, False) for code, each in operation["responses"].items() if code < "300"]
            for part, is_request in [*bodies, *answers]:
                media = part.get("content", {}).get("application/json")
                if media and not ("example" in media or "examples" in media):
                    media["example"] = example(media["schema"], schemas, only_required=is_request)
    return result


def example(schema: _Schema, schemas: _Schema, *, only_required: bool = False, name: str = "") -> Any:
    """One value that the schema allows. `only_required`: without what may be left out, or with the first of it if
    nothing is required."""
    whole = _resolved(schema, schemas)
    for said in ("example", "default", "const"):
        if whole.get(said) is not None and not (said == "default" and whole[said] in ("", [], {})):
            return whole[said]
    if "enum" in whole:
        return next((value for value in whole["enum"] if value not in ("", None)), whole["enum"][0])
    kinds = whole.get("type", "object" if "properties" in whole else None)
    kind = next((one for one in _several(kinds) if one != "null"), None)
    for value in _NAMES.get(name, ()):
        if "format" not in whole and _is_a(value, kind, whole):
            return value
    if kind == "object":
        return dict(_members(whole, schemas, only_required))
    if kind == "array":
        item = example(whole.get("items", {}), schemas, only_required=only_required, name=name)
        return [] if item is None else [item]
    if whole.get("format") in _FORMATS:
        return _FORMATS[whole["format"]]
    if whole.get("format") == "decimal":
        return "0.00750" if re.search(whole.get("pattern", ""), "0.00750") else "12.50"
    if kind in ("integer", "number"):
        return max(_PLAIN[kind], whole.get("minimum", 1))
    return _PLAIN.get(kind or "null")


def _members(whole: _Schema, schemas: _Schema, only_required: bool) -> Iterator[tuple[str, Any]]:
    properties = whole.get("properties", {})
    wanted = list(properties)
    if only_required:
        wanted = whole.get("required", []) or wanted[: 1 if whole.get("minProperties", 1) else 0]
    for name in wanted:
        yield name, example(properties[name], schemas, only_required=only_required, name=name)


def _resolved(schema: _Schema, schemas: _Schema) -> dict[str, Any]:
    """What it refers to, and the first of what it may be, put into one."""
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    whole = {name: value for name, value in schema.items() if name not in ("allOf", "oneOf", "anyOf")}
    parts = [*schema.get("allOf", ()), *schema.get("oneOf", ())[:1], *schema.get("anyOf", ())[:1]]
    for part in parts:
        whole = _resolved(part, schemas) | whole
    return whole


def _several(kinds: Any) -> list[Any]:
    return kinds if isinstance(kinds, list) else [kinds]


def _is_a(value: Any, kind: str | None, schema: _Schema) -> bool:
    if kind is None or "properties" in schema:
        return False
    if kind == "string" and not value:
        return not schema.get("minLength")
    if kind == "integer":
        return type(value) is int
    return kind in _KINDS and isinstance(value, _KINDS[kind])
