"""The OpenAPI document is right, complete, and true: what it allows never breaks the API."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase
from schemathesis.core.result import Ok

from smshub.api.schema import document
from tests.api.conftest import System
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactImportFactory,
    ContactListFactory,
    HealthChangeFactory,
    InboundFactory,
    MessageFactory,
    RouteFactory,
    SenderFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)
from tests.reminder_factories import ReminderFactory, ReminderRuleFactory
from tests.webhook_factories import WebhookFactory

SCHEMA: dict[str, Any] = json.loads(document())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}


def test_the_document_is_valid_without_a_warning() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


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


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("POST ")])
def test_each_post_takes_an_idempotency_key(name: str) -> None:
    assert "Idempotency-Key" in {parameter["name"] for parameter in OPERATIONS[name]["parameters"]}


def test_bodies_say_that_unknown_fields_are_refused() -> None:
    assert SCHEMA["components"]["schemas"]["SendRequest"]["additionalProperties"] is False


def test_the_pages_of_the_documentation_work_offline() -> None:
    page = Client().get("/api/v1/docs")
    content = page.content.decode()

    assert page.status_code == 200
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in content
    assert "https://" not in content
    policy = page["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "'unsafe-inline'" in policy


@pytest.fixture
def _connection_stays() -> Iterator[None]:
    """A real server drops connections between requests; here all requests share the test's transaction."""
    between = (request_started, request_finished)
    for signal in between:
        signal.disconnect(close_old_connections)
    yield
    for signal in between:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_connection_stays")
@pytest.mark.django_db
def test_nothing_that_is_sent_breaks_the_api(shop: System, settings: Any, tmp_path: Any) -> None:
    """A few requests of every operation, right and wrong, drawn from the document itself."""
    settings.MEDIA_ROOT = str(tmp_path)
    there_is = {
        "contacts": ContactFactory().pk,
        "lists": ContactListFactory().pk,
        "imports": ContactImportFactory().pk,
        "suppressions": SuppressionFactory().pk,
        "senders": SenderFactory(is_default=True).pk,
        "templates": TemplateVersionFactory().template_id,
        "campaigns": CampaignFactory().pk,
        "messages": str(MessageFactory().pk),
        "appointments": ReminderFactory().appointment_id,
        "reminder-rules": ReminderRuleFactory().pk,
        "routes": RouteFactory().pk,
        "providers": HealthChangeFactory().provider_id,
        "inbound": str(InboundFactory().pk),
        "webhooks": WebhookFactory().pk,
    }
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    schema.config.generation.update(modes=list(schemathesis.GenerationMode))
    headers = {"Authorization": f"Bearer {shop.text}"}
    tried = 0

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @hypothesis.settings(
            max_examples=8,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def attempt(case: Any) -> None:
            nonlocal tried
            tried += 1
            if case.path_parameters:
                case.path_parameters["id"] = there_is[case.path.split("/")[3]]
            with transaction.atomic():
                answer = case.call(headers=headers)
                transaction.set_rollback(True)
            assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]

        attempt()

    assert tried >= 3 * len(OPERATIONS)
