"""Webhooks in the admin: made, tested, given another secret, looked into, sent again."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from delivery.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from delivery.webhooks import signing
from smshub.doctor.webhooks import webhooks
from tests.delivery.webhooks.scenes import State, long_ago
from tests.webhook_factories import WebhookDeliveryFactory, WebhookFactory

pytestmark = pytest.mark.django_db

FORM = {"url": "https://example.org/hooks", "description": "Clinic", "enabled": "on", "events": ["message.*"]}


def one(webhook: WebhookEndpoint, page: str = "change") -> str:
    return reverse(f"admin:delivery_webhookendpoint_{page}", args=[webhook.pk])


def test_one_is_made_and_its_secret_is_shown_once(operator: Client) -> None:
    made = operator.post(reverse("admin:delivery_webhookendpoint_add"), FORM)
    webhook = WebhookEndpoint.objects.get()
    secret = webhook.secret["present"]
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert (webhook.url, webhook.events, webhook.created_by[:5]) == (FORM["url"], FORM["events"], "staff")
    assert secret not in operator.get(one(webhook)).content.decode()


def test_a_form_that_is_wrong_says_what(operator: Client, settings: object) -> None:
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = False  # type: ignore[attr-defined]
    page = operator.post(reverse("admin:delivery_webhookendpoint_add"), FORM | {"url": "https://127.0.0.1/"})
    assert "ALLOW_PRIVATE_WEBHOOK_URLS" in page.content.decode()
    page = operator.post(reverse("admin:delivery_webhookendpoint_add"), FORM | {"events": []})
    assert "This field is required" in page.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_change_leaves_alone_what_its_couriers_write(operator: Client) -> None:
    webhook = WebhookFactory(turn=7, last_error="No connection.", failing_since=long_ago(1))
    operator.post(one(webhook), FORM | {"events": ["*"]})
    webhook.refresh_from_db()
    assert (webhook.turn, webhook.last_error, webhook.description) == (7, "No connection.", "Clinic")
    assert webhook.failing_since


def test_switching_off_and_on(operator: Client) -> None:
    webhook = WebhookFactory()
    operator.post(one(webhook), {name: value for name, value in FORM.items() if name != "enabled"})
    webhook.refresh_from_db()
    assert not webhook.enabled
    operator.post(one(webhook), FORM)
    webhook.refresh_from_db()
    assert webhook.enabled


def test_a_test_and_a_new_secret(operator: Client) -> None:
    webhook = WebhookFactory()
    assert operator.get(one(webhook, "ping")).status_code == 405
    operator.post(one(webhook, "ping"))
    assert WebhookDelivery.objects.get().type == "webhook.ping"

    page = operator.post(one(webhook, "rotate")).content.decode()
    webhook.refresh_from_db()
    assert webhook.secret["present"] in page


def test_its_page_says_how_it_stands(operator: Client) -> None:
    webhook = WebhookFactory(
        enabled=False, disabled_reason="It answered 410: it wants no more.", last_error="Answered 410."
    )
    WebhookDeliveryFactory(endpoint=webhook, state=State.GIVEN_UP, tries=2, error="Answered 500.")
    page = operator.get(one(webhook)).content.decode()
    assert "It answered 410: it wants no more." in page
    assert "2 attempts." in page


def test_what_was_sent_is_looked_at_and_sent_again(operator: Client) -> None:
    sent = WebhookDeliveryFactory(state=State.GIVEN_UP, data={"to": "+14155550100"})
    WebhookAttempt.objects.create(delivery=sent, at=sent.at, error="Answered 500.", took_ms=12)
    page = reverse("admin:delivery_webhookdelivery_change", args=[sent.pk])

    shown = operator.get(page).content.decode()
    for words in (signing.known_as(sent.event_id), "+14155550100", "Answered 500.", "12 ms"):
        assert words in shown
    operator.post(reverse("admin:delivery_webhookdelivery_again", args=[sent.pk]))
    sent.refresh_from_db()
    assert sent.state == State.WAITING


def test_those_of_a_time_are_sent_again(operator: Client) -> None:
    sent = WebhookDeliveryFactory(state=State.GIVEN_UP, at=long_ago(1))
    form = {"since_0": f"{long_ago(2):%Y-%m-%d}", "since_1": "00:00:00"}
    answer = operator.post(one(sent.endpoint, "replay"), form, follow=True)
    assert "1 are sent again." in answer.content.decode()
    sent.refresh_from_db()
    assert sent.state == State.WAITING


def test_the_time_to_send_again_begins_before_it_failed(operator: Client) -> None:
    failing = WebhookFactory(failing_since=long_ago(3))

    form = operator.get(one(failing, "replay")).context["form"]

    assert form.initial["since"] == failing.failing_since - timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [(long_ago(-2), None, "has not come yet"), (long_ago(1), long_ago(2), "not after the beginning")],
)
def test_a_time_in_which_nothing_can_have_been_is_refused(
    operator: Client, since: datetime, until: datetime | None, says: str
) -> None:
    sent = WebhookDeliveryFactory(state=State.GIVEN_UP, at=long_ago(1))
    form = {"since_0": f"{since:%Y-%m-%d}", "since_1": f"{since:%H:%M:%S}"}
    if until:
        form |= {"until_0": f"{until:%Y-%m-%d}", "until_1": f"{until:%H:%M:%S}"}

    assert says in operator.post(one(sent.endpoint, "replay"), form).content.decode()
    sent.refresh_from_db()
    assert sent.state == State.GIVEN_UP


def test_the_list_of_what_was_sent_is_of_one_webhook(operator: Client) -> None:
    mine, other = WebhookDeliveryFactory(), WebhookDeliveryFactory()
    found = operator.get(reverse("admin:delivery_webhookdelivery_changelist"), {"webhook": mine.endpoint_id})
    page = found.content.decode()
    assert signing.known_as(mine.event_id) in page
    assert signing.known_as(other.event_id) not in page
    assert operator.get(reverse("admin:delivery_webhookdelivery_changelist"), {"webhook": "x"}).status_code == 200


def test_one_that_is_removed_is_gone_from_the_list(operator: Client) -> None:
    webhook = WebhookFactory()
    operator.post(one(webhook, "delete"), {"post": "yes"})
    assert operator.get(one(webhook)).status_code in (302, 404)
    assert WebhookEndpoint.objects.get().removed_at


def test_a_secret_that_cannot_be_read_does_not_break_the_pages(operator: Client, settings: object) -> None:
    webhook = WebhookFactory()
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]  # type: ignore[attr-defined]
    for page in (reverse("admin:delivery_webhookendpoint_changelist"), one(webhook)):
        assert operator.get(page).status_code == 200


def test_the_doctor_says_who_is_not_told() -> None:
    WebhookFactory(enabled=False)
    assert list(webhooks()) == []
    off = WebhookFactory(enabled=False, disabled_reason="It took nothing for 5 days.")
    fails = WebhookFactory(failing_since=long_ago(1), last_error="No connection.")

    first, second = webhooks()
    assert (first.level, f"Webhook {off.pk}" in first.what) == ("problem", True)
    assert (second.level, f"Webhook {fails.pk}" in second.what) == ("warning", True)
