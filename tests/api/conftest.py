"""A system that calls the API, with exactly the scopes its test is about."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from smshub.api import keys
from tests.factories import DefaultSenderFactory

Caller = Callable[..., "System"]


class System:
    """Calls with its key. Answers carry `.body`, the decoded JSON."""

    def __init__(self, *scopes: str) -> None:
        self.key, self.text = keys.issue(name="Web shop", scopes=scopes or ["*"], actor=None)
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Any = self.client.generic(
            method,
            f"/api/v1/{path}",
            content,
            "application/json",
            headers={"Authorization": f"Bearer {self.text}"} | headers,
        )
        answer.body = json.loads(answer.content) if answer.content else None
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, **headers)


@pytest.fixture
def system(db: None) -> Caller:
    """`system("contacts:read")` calls with that scope, `system()` with all."""
    return System


@pytest.fixture
def shop(system: Caller) -> System:
    """A system that may do everything."""
    return system()


@pytest.fixture
def sender(db: None) -> Any:
    return DefaultSenderFactory()


def is_problem(answer: Any, status: int, kind: str) -> bool:
    """Whether the answer is a complete problem document of this kind; shows it if not."""
    document = json.loads(answer.content)
    assert (answer.status_code, document["type"]) == (status, f"/problems/{kind}"), document
    assert answer["Content-Type"] == "application/problem+json"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return True
