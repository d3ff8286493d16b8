"""The Postman collection has what the document has, and is sent with a key and an address as variables."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.test import Client

from smshub.api.postman import collection
from tests.api.openapi import OPERATIONS, SCHEMA, examples

COLLECTION: dict[str, Any] = json.loads(collection())


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each request by the name of the operation that it calls."""
    for folder in COLLECTION["item"]:
        for item in folder["item"]:
            request = item["request"]
            path = re.sub(r":(\w+)", r"{\1}", "/".join(request["url"]["path"]))
            yield f"{request['method']} /{path}", request


def test_it_is_a_collection_of_version_2_1_for_any_hub_and_key() -> None:
    assert COLLECTION["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    assert {variable["key"] for variable in COLLECTION["variable"]} == {"baseUrl", "apiKey"}
    assert COLLECTION["auth"]["bearer"][0]["value"] == "{{apiKey}}"
    assert [variable["value"] for variable in COLLECTION["variable"] if variable["key"] == "apiKey"] == [""]
    assert Client().get("/api/v1/postman.json").json() == COLLECTION


def test_it_has_every_operation_once_and_a_folder_for_each_kind_of_thing() -> None:
    assert sorted(name for name, _ in requests()) == sorted(OPERATIONS)
    assert {folder["name"] for folder in COLLECTION["item"]} < {tag["name"] for tag in SCHEMA["tags"]}
    assert all(folder["description"] for folder in COLLECTION["item"])


def test_each_request_is_complete() -> None:
    for name, request in requests():
        operation, url = OPERATIONS[name], request["url"]
        assert request["description"] == operation["description"]
        assert url["raw"] == "/".join(["{{baseUrl}}", *url["path"]])
        assert [variable["key"] for variable in url["variable"]] == (["id"] if "{id}" in name else [])
        offered = {part["key"] for part in [*url["query"], *request["header"]]} - {"Content-Type"}
        assert offered == {one["name"] for one in operation.get("parameters", ()) if one["in"] != "path"}
        switched_on = {part["key"] for part in [*url["query"], *request["header"]] if not part.get("disabled")}
        assert switched_on <= {"Idempotency-Key", "Content-Type"}, "nothing is sent that nobody filled in"


def test_what_is_sent_is_the_example_of_the_document() -> None:
    for name, request in requests():
        content = OPERATIONS[name].get("requestBody", {}).get("content", {})
        if "application/json" in content:
            assert request["body"]["mode"] == "raw"
            assert json.loads(request["body"]["raw"]) == examples(content["application/json"])[0]
        elif content:
            assert any(field["type"] == "file" for field in request["body"]["formdata"])
        else:
            assert "body" not in request
