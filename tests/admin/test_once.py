"""What makes a secret and shows it in its answer is made once, however often its page is loaded again."""

import re
from typing import Any

import pytest
from django.test import Client

from delivery.models import WebhookEndpoint
from smshub.api import keys
from smshub.api.models import ApiKey
from tests import webhook_factories

NEW_KEY = {"name": "Booking", "scopes": ["messages:write"]}
NEW_WEBHOOK = {"url": "https://example.org/webhooks", "enabled": "on", "events": ["*"]}


def shown(client: Client, page: str) -> dict[str, Any]:
    """What a form that was just shown is posted with: each time another token."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(page).content.decode())
    assert found
    return {"csrfmiddlewaretoken": found[1]}


@pytest.mark.parametrize(
    ("page", "given", "made"),
    [
        ("/admin/api/apikey/add/", NEW_KEY, ApiKey),
        ("/admin/delivery/webhookendpoint/add/", NEW_WEBHOOK, WebhookEndpoint),
    ],
)
def test_a_page_that_is_loaded_again_makes_no_second_one(
    operator: Client, page: str, given: dict[str, Any], made: Any
) -> None:
    posted = given | shown(operator, page)
    operator.post(page, posted)

    again = operator.post(page, posted, follow=True)

    assert made.objects.count() == 1
    assert "This was done already." in again.content.decode()
    assert again.request["PATH_INFO"] == page.removesuffix("add/")

    operator.post(page, given | shown(operator, page))
    assert made.objects.count() == 2


def test_a_new_secret_does_not_end_the_one_in_use_by_being_loaded_again(operator: Client) -> None:
    key, old = keys.issue(**NEW_KEY, actor=None)
    page = f"/admin/api/apikey/{key.pk}/rotate/"
    posted = {"hours": 24} | shown(operator, page)

    for _ in range(2):
        operator.post(page, posted)

    assert keys.find(old) == key


def test_neither_does_a_webhooks(operator: Client) -> None:
    webhook = webhook_factories.WebhookFactory()
    page = f"/admin/delivery/webhookendpoint/{webhook.pk}/rotate/"
    posted = shown(operator, page)
    operator.post(page, posted)
    webhook.refresh_from_db()

    operator.post(page, posted)

    assert WebhookEndpoint.objects.get(pk=webhook.pk).secret == webhook.secret


def test_without_redis_they_are_made_all_the_same(operator: Client, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }

    operator.post("/admin/api/apikey/add/", NEW_KEY | shown(operator, "/admin/api/apikey/add/"))

    assert ApiKey.objects.count() == 1
