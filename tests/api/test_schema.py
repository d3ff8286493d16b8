"""The OpenAPI document is right and complete. That it is true is tried out in `test_any_request`."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular import validation
from jsonschema_rs import validator_for

from delivery.webhooks.events import CATALOGUE
from smshub.api.problems import TITLES
from tests.api.openapi import EVENTS, OPERATIONS, SCHEMA, all_examples, examples, mistakes, resolved


def test_the_document_is_valid_without_a_warning() -> None:
    written = StringIO()
    call_command("spectacular", format="openapi-json", fail_on_warn=True, stdout=written)

    specification = json.loads((Path(validation.__file__).parent / "openapi_3_1_schema.json").read_text())
    # What the command's own option does in seven seconds.
    validator_for(specification).validate(json.loads(written.getvalue()))


def test_it_is_openapi_3_1_with_our_key() -> None:
    assert SCHEMA["openapi"].startswith("3.1")
    assert SCHEMA["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    assert Client().get("/api/v1/openapi.json").json() == SCHEMA


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_each_operation_is_described_with_scope_tag_and_problems(operation: dict[str, Any]) -> None:
    assert operation["description"]
    assert operation["tags"]
    assert list(operation["security"][0]) == ["apiKey"]
    problems = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
    assert {"400", "401", "403"} <= set(problems)
    assert all("application/problem+json" in answer["content"] for answer in problems.values())


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_each_operation_says_what_it_does_in_a_line_and_what_each_parameter_is(operation: dict[str, Any]) -> None:
    assert 3 < len(operation["summary"]) <= 110
    assert not operation["summary"].endswith(".")
    assert all(parameter["description"] for parameter in operation.get("parameters", ()))


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_each_operation_has_an_example_of_what_is_sent_and_of_each_answer(operation: dict[str, Any]) -> None:
    body = operation.get("requestBody", {}).get("content", {})
    assert all(examples(media) for kind, media in body.items() if kind == "application/json")
    for answer in operation["responses"].values():
        assert answer["description"]
        shown = {kind: media for kind, media in answer.get("content", {}).items() if kind.endswith("json")}
        assert all(examples(media) for media in shown.values())


def test_the_examples_are_what_the_document_says_that_they_are() -> None:
    wrong = {each.where: found for each in all_examples() if (found := mistakes(each.schema, each.value))}
    assert not wrong


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_refusal_lists_the_kinds_of_problems_that_it_may_be(operation: dict[str, Any]) -> None:
    for code, answer in operation["responses"].items():
        if code >= "400":
            kinds = answer["content"]["application/problem+json"]["examples"]
            assert set(kinds) <= set(TITLES)
            assert {resolved(example)["value"]["status"] for example in kinds.values()} == {int(code)}


def test_each_tag_is_described_and_no_name_of_an_operation_stands_twice() -> None:
    described = {tag["name"] for tag in SCHEMA["tags"] if tag["description"]}
    every = [*OPERATIONS.values(), *EVENTS.values()]
    assert {tag for operation in every for tag in operation["tags"]} == described
    names = [operation["operationId"] for operation in every]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert SCHEMA["servers"]


def test_nothing_is_called_as_a_field_of_its_own_is() -> None:
    """Generated clients make a class of the one and an attribute of the other, and take them for each other."""
    schemas = SCHEMA["components"]["schemas"]
    called = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in schemas}
    assert [name for name, said in schemas.items() if called[name] in said.get("properties", {})] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_event_is_in_the_section_of_webhooks_with_schema_and_example(name: str) -> None:
    operation = EVENTS[name]
    sent = operation["requestBody"]["content"]["application/json"]

    assert sent["example"]["data"] == CATALOGUE[name].example
    assert sent["example"]["type"] == name
    assert set(resolved(sent["schema"])["properties"]["data"]["properties"]) == set(CATALOGUE[name].example)
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("POST ")])
def test_each_post_takes_an_idempotency_key(name: str) -> None:
    assert "Idempotency-Key" in {parameter["name"] for parameter in OPERATIONS[name]["parameters"]}


def test_bodies_say_that_unknown_fields_are_refused() -> None:
    assert SCHEMA["components"]["schemas"]["SendRequest"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("page", "script"),
    [("docs", "swagger-ui-dist/swagger-ui-bundle"), ("redoc", "redoc/bundles/redoc.standalone")],
)
def test_the_pages_of_the_documentation_work_offline(page: str, script: str) -> None:
    shown = Client().get(f"/api/v1/{page}")
    content = shown.content.decode()

    assert shown.status_code == 200
    assert f"drf_spectacular_sidecar/{script}.js" in content
    assert "https://" not in content
    policy = shown["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "'unsafe-inline'" in policy
