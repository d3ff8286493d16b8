"""Webhooks over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.webhooks import signing
from smshub.api.models import IdempotencyRecord
from tests.api.conftest import Caller, System, is_problem
from tests.delivery.webhooks.scenes import State
from tests.webhook_factories import WebhookDeliveryFactory, WebhookFactory

NEW = {"url": "https://example.org/hooks", "description": "Clinic", "events": ["message.*"]}


def test_a_webhook_is_made_and_its_secret_is_shown_once(shop: System) -> None:
    made = shop.post("webhooks", NEW)

    assert made.status_code == 201
    assert made.body["secret"].startswith("whsec_")
    assert made["Cache-Control"] == "no-store"
    again = shop.get(f"webhooks/{made.body['id']}")
    shown = again.body
    assert "secret" not in shown
    assert again["ETag"] == made["ETag"]
    assert {name: shown[name] for name in NEW} == NEW
    assert WebhookEndpoint.objects.get().created_by == "API key Web shop"
    assert [each["id"] for each in shop.get("webhooks").body["results"]] == [made.body["id"]]


def test_without_events_it_hears_all(shop: System) -> None:
    assert shop.post("webhooks", {"url": NEW["url"]}).body["events"] == ["*"]


def test_a_repeated_request_makes_one_and_its_secret_is_kept_nowhere(shop: System) -> None:
    first, second = (shop.post("webhooks", NEW, Idempotency_Key="1") for _ in range(2))

    assert (first.body["id"], second.body["secret"]) == (second.body["id"], None)
    assert second["Idempotent-Replayed"] == "true"
    assert first.body["secret"] not in str(IdempotencyRecord.objects.get().body)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "ftp://example.org", "https://"),
        ("url", "https://me:secret@example.org", "user"),
        ("url", None, "null"),
        ("events", ["message.eaten"], "not a valid choice"),
        ("events", [], "empty"),
        ("secret", "whsec_mine", "no such field"),
        ("previous_until", "2030-01-01T00:00:00Z", "no such field"),
        ("last_error", "", "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_by_field(shop: System, field: str, value: object, says: str) -> None:
    answer = shop.post("webhooks", NEW | {field: value})
    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(f"/{field}")
    assert says in answer.body["errors"][0]["detail"]
    assert not WebhookEndpoint.objects.exists()


def test_a_private_address_is_refused_where_nobody_allowed_it(shop: System, settings: object) -> None:
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = False  # type: ignore[attr-defined]
    webhook = WebhookFactory()
    for url in ("https://127.0.0.1/", "https://localhost/", "http://example.org/", "https://169.254.169.254/"):
        assert is_problem(shop.post("webhooks", {"url": url}), 400, "validation-error")
        assert is_problem(shop.patch(f"webhooks/{webhook.pk}", {"url": url}), 400, "validation-error")


def test_one_is_changed_switched_off_and_removed(shop: System) -> None:
    webhook = WebhookFactory()
    path = f"webhooks/{webhook.pk}"

    changed = shop.patch(path, {"events": ["message.sent"], "enabled": False})
    assert (changed.body["events"], changed.body["enabled"]) == (["message.sent"], False)
    webhook.refresh_from_db()
    assert webhook.disabled_at
    assert is_problem(shop.post(f"{path}/ping"), 409, "wrong-state")
    assert shop.delete(path).status_code == 204
    assert is_problem(shop.get(path), 404, "not-found")


def test_a_test_is_sent(shop: System) -> None:
    webhook = WebhookFactory(events=["message.sent"])
    answer = shop.post(f"webhooks/{webhook.pk}/ping")
    delivery = WebhookDelivery.objects.get()
    assert (answer.status_code, answer.body["event"]) == (202, signing.known_as(delivery.event_id))


def test_a_new_secret_leaves_the_one_before_it_a_day(shop: System) -> None:
    webhook = WebhookFactory()
    before = webhook.secret["present"]
    answer = shop.post(f"webhooks/{webhook.pk}/rotate-secret")
    webhook.refresh_from_db()
    assert webhook.secret == {"present": answer.body["secret"], "previous": before}
    assert webhook.previous_until > timezone.now() + timedelta(hours=23)


def test_what_was_sent_is_listed_newest_first_and_by_state(shop: System) -> None:
    webhook = WebhookFactory()
    rows = [WebhookDeliveryFactory(endpoint=webhook, state=state) for state in State]
    WebhookDeliveryFactory()

    listed = shop.get(f"webhooks/{webhook.pk}/deliveries").body["results"]
    assert [each["id"] for each in listed] == [row.pk for row in reversed(rows)]
    assert [each["state"] for each in listed] == ["given_up", "delivered", "waiting"]
    assert listed[0]["event"] == signing.known_as(rows[2].event_id)
    some = shop.get(f"webhooks/{webhook.pk}/deliveries?state=given_up").body["results"]
    assert [each["id"] for each in some] == [rows[2].pk]
    assert is_problem(shop.get(f"webhooks/{webhook.pk}/deliveries?state=eaten"), 400, "validation-error")
    assert is_problem(shop.get(f"webhooks/{webhook.pk}?state=given_up"), 400, "validation-error")


def test_one_event_is_sent_again(shop: System) -> None:
    sent = WebhookDeliveryFactory(state=State.DELIVERED)
    answer = shop.post(f"webhooks/{sent.endpoint_id}/replay", {"event": signing.known_as(sent.event_id)})
    assert (answer.status_code, answer.body["replayed"], answer.body["all"]) == (200, 1, True)


def test_those_of_a_time_are_sent_again(shop: System) -> None:
    webhook, then = WebhookFactory(), timezone.now() - timedelta(hours=3)
    for state in (State.DELIVERED, State.GIVEN_UP, State.WAITING):
        WebhookDeliveryFactory(endpoint=webhook, state=state, at=then)
    path, since = f"webhooks/{webhook.pk}/replay", (then - timedelta(hours=1)).isoformat()
    assert shop.post(path, {"since": since}).body["replayed"] == 1
    assert shop.post(path, {"since": since, "until": since, "delivered_too": True}).body["replayed"] == 0
    assert shop.post(path, {"since": since, "delivered_too": True}).body["replayed"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"event": "evt_1"}, {"event": "evt_" + "0" * 32, "since": "2026-01-01T00:00:00Z"}, {"since": "noon"}]
)
def test_what_names_neither_an_event_nor_a_time_is_refused(shop: System, body: dict[str, str]) -> None:
    assert is_problem(shop.post(f"webhooks/{WebhookFactory().pk}/replay", body), 400, "validation-error")


def test_who_may_only_look_changes_nothing(system: Caller) -> None:
    webhook, looker = WebhookFactory(), system("webhooks:read")
    path = f"webhooks/{webhook.pk}"
    assert looker.get(f"{path}/deliveries").status_code == 200
    for answer in (
        looker.post("webhooks", NEW),
        looker.patch(path, {"enabled": False}),
        looker.delete(path),
        *(looker.post(f"{path}/{action}") for action in ("ping", "replay", "rotate-secret")),
    ):
        assert is_problem(answer, 403, "missing-scope")


def test_the_secret_of_messages_that_name_an_address_is_the_key_s_own(system: Caller) -> None:
    one, other = system("webhooks:read"), system("webhooks:read")
    assert one.get("webhooks/status-secret").body == {"secret": signing.secret_of_key(one.key.pk)}
    assert one.get("webhooks/status-secret").body != other.get("webhooks/status-secret").body
