"""Every address demands a key and the scope it declares; no route can be forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from smshub.api import keys
from smshub.api.auth import HasScope, required_scope
from smshub.api.endpoint import Endpoint
from smshub.api.urls import urlpatterns
from tests.api.conftest import System, is_problem

#: What may be seen without a key: the description of the API, and that an address does not exist.
OPEN = {"openapi.json", "docs", "redoc", "postman.json", "^(?P<rest>.*)$"}
#: What any key may see.
ANY_KEY = {"whoami"}

Route = tuple[str, str, Any]


def routes() -> Iterator[Route]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern), "includes are walked by nobody: add them here"
        if str(pattern.pattern) in OPEN:
            continue
        view: Any = pattern.callback
        for method in getattr(view, "actions", None) or {"get": "get"}:
            if method in Endpoint.http_method_names and method != "head":
                yield str(pattern.pattern), method.upper(), view


ROUTES = list(routes())


def path_of(pattern: str) -> str:
    some_id = "019a4f2e-7c1b-7d3a-9f55-2b8c1e0d4a67" if pattern.startswith(("^messages", "^inbound")) else "7"
    path = pattern.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    while "(?P<pk>" in path:
        start = path.index("(?P<pk>")
        depth = 0
        for end in range(start, len(path)):
            depth += {"(": 1, ")": -1}.get(path[end], 0)
            if depth == 0:
                break
        path = path[:start] + some_id + path[end + 1 :]
    return path


def scope_of(view: Any, method: str) -> str:
    instance = view.cls(**view.initkwargs)
    instance.action = (getattr(view, "actions", None) or {}).get(method.lower())
    return required_scope(instance, method)


@pytest.mark.parametrize(
    ("pattern", "method", "view"), ROUTES, ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.django_db
def test_every_route_demands_a_key_and_its_scope(pattern: str, method: str, view: Any) -> None:
    path = path_of(pattern)
    assert HasScope in view.cls.permission_classes
    assert is_problem(Client().generic(method, f"/api/v1/{path}"), 401, "authentication-required")

    scope = scope_of(view, method)
    if pattern in ANY_KEY:
        assert scope == ""
        return
    assert scope in keys.SCOPES
    others = System(*(set(keys.SCOPES) - {scope}))
    answer = others(method, path, {})
    assert is_problem(answer, 403, "missing-scope")
    assert answer.body["missing_scope"] == scope


def test_reading_never_asks_for_write_and_changing_always_does() -> None:
    only_read = {"templates/preview", "templates/7/preview", "campaigns/7/preflight", "routes/check", "messages/search"}
    for pattern, method, view in ROUTES:
        scope = scope_of(view, method)
        if scope:
            reads = method == "GET" or path_of(pattern) in only_read
            assert scope.endswith(":read" if reads else ":write"), pattern


def test_every_scope_is_demanded_somewhere() -> None:
    assert {scope_of(view, method) for _, method, view in ROUTES} - {""} == set(keys.SCOPES)


@pytest.mark.parametrize("path", ["openapi.json", "docs", "redoc", "postman.json"])
def test_the_description_is_public(path: str) -> None:
    assert Client().get(f"/api/v1/{path}").status_code == 200


def test_every_scope_is_in_the_table_of_the_documentation() -> None:
    documentation = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| (`[a-z-]+:(?:read|write)`(?:, `[a-z-]+:(?:read|write)`)*) \|", documentation, re.MULTILINE)

    assert sorted(scope for row in rows for scope in re.findall(r"`([^`]+)`", row)) == sorted(keys.SCOPES)


def test_every_kind_of_thing_is_in_the_table_of_the_documentation() -> None:
    documentation = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    table = documentation.partition("## What there is")[2].partition("\n## ")[0]
    named = {name.partition("/")[0] for name in re.findall(r"`([a-z/{}-]+)`", table)}

    assert {path_of(pattern).partition("/")[0] for pattern, _, _ in ROUTES} - ANY_KEY <= named
