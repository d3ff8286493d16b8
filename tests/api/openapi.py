"""The OpenAPI document as tests read it: operations by name, references followed, examples with their schemas."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, validator_for

from smshub.api.schema import document
from tests import turns

SCHEMA: dict[str, Any] = json.loads(turns.once("openapi.json", document))
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
EVENTS: dict[str, dict[str, Any]] = {name: item["post"] for name, item in SCHEMA["webhooks"].items()}


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a body or an answer; `where` says of which."""

    where: str
    schema: dict[str, Any]
    value: Any


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; the part itself if it is none."""
    if "$ref" not in part:
        return part
    found: Any = SCHEMA
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def examples(media: dict[str, Any]) -> list[Any]:
    """Those of one kind of body or answer."""
    if "example" in media:
        return [media["example"]]
    return [resolved(each)["value"] for each in media.get("examples", {}).values()]


def all_examples() -> Iterator[Example]:
    for name, operation in (OPERATIONS | EVENTS).items():
        for part, said in {"body": operation.get("requestBody", {}), **operation["responses"]}.items():
            for kind, media in said.get("content", {}).items():
                for value in examples(media):
                    yield Example(f"{name} {part} {kind}", media["schema"], value)


def mistakes(schema: dict[str, Any], value: Any) -> list[str]:
    """What of the value the schema, which may refer to the document, does not allow."""
    return [error.message for error in _validator(json.dumps(schema)).iter_errors(value)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": SCHEMA["components"]}
    validator = validator_for(json.loads(schema) | whole)
    assert isinstance(validator, Draft202012Validator)
    return validator
