"""The webhooks section of the OpenAPI document: what systems that subscribed are sent, from the catalogue of events."""

from typing import Any

from delivery.states import Status
from delivery.webhooks.events import CATALOGUE

TAG = {
    "name": "events",
    "description": "What is posted to those who subscribed under `/webhooks`, by the Standard Webhooks specification.",
}

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_PERHAPS_ID: dict[str, Any] = {"type": ["integer", "null"]}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_UUID: dict[str, Any] = {"type": "string", "format": "uuid"}

#: By the first word of an event's name: what its `data` holds.
_DATA: dict[str, dict[str, Any]] = {
    "message": {
        "id": _UUID,
        "to": _TEXT,
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "reason": _TEXT,
        "error_code": _TEXT,
        "attempt": _NUMBER,
        "campaign": _PERHAPS_ID,
        "contact": _PERHAPS_ID,
        "segments": _NUMBER,
        "metadata": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        "client_reference": _TEXT,
        "is_test": {"type": "boolean"},
    },
    "inbound": {"id": _UUID, "from": _TEXT, "to": _TEXT, "body": {"type": ["string", "null"]}, "keyword": _TEXT},
    "contact": {"phone": _TEXT, "reason": _TEXT, "scope": _TEXT, "evidence": _TEXT},
    "campaign": {"id": _NUMBER, "name": _TEXT, "status": _TEXT, "paused_reason": _TEXT},
    "appointment": {
        "id": _NUMBER,
        "external_id": _TEXT,
        "contact": _PERHAPS_ID,
        "status": _TEXT,
        "starts_at": _TIME,
    },
    "webhook": {"message": _TEXT},
}
_HEADERS = {
    "webhook-id": "Names the event; the same each time that it is sent. Remember it, for it may come twice.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "One or two signatures with the endpoint's secret, as `v1,…`.",
}


def section() -> dict[str, Any]:
    """Each event by its name."""
    return {name: {"post": _operation(name)} for name in CATALOGUE}


def _operation(name: str) -> dict[str, Any]:
    event = CATALOGUE[name]
    return {
        "operationId": f"event_{name.replace('.', '_')}",
        "summary": event.meaning.rstrip("."),
        "description": f"{event.meaning} Answer 2xx once it is stored; anything else, and it comes again.",
        "tags": [TAG["name"]],
        "security": [],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": text, "schema": _TEXT}
            for header, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{_component(name)}"},
                    "example": {"type": name, "timestamp": "2026-11-02T09:30:04.120Z", "data": event.example},
                }
            },
        },
        "responses": {"2XX": {"description": "Taken. The body of the answer is not read."}},
    }


def schemas() -> dict[str, Any]:
    """One for all events of a kind."""
    return {_component(name): _envelope(name.partition(".")[0]) for name in CATALOGUE}


def _component(name: str) -> str:
    return f"{name.partition('.')[0].title()}Event"


def _envelope(kind: str) -> dict[str, Any]:
    members = _DATA[kind]
    names = [name for name in CATALOGUE if name.partition(".")[0] == kind]
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "enum": names},
            "timestamp": {**_TIME, "description": "When it happened."},
            "data": {"type": "object", "required": list(members), "properties": members},
        },
    }
