"""What is old is given up, emptied and forgotten; who fails for days is switched off; who was removed goes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from delivery.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from delivery.states import Status
from delivery.webhooks import endpoints, schedule, upkeep
from tests.delivery.webhooks.scenes import State, told_message
from tests.webhook_factories import WebhookDeliveryFactory, WebhookFactory

pytestmark = pytest.mark.django_db


def ago(**time: float) -> Any:
    return timezone.now() - timedelta(**time)


def test_what_was_due_for_three_days_is_given_up() -> None:
    old = WebhookDeliveryFactory(at=ago(days=4))
    young = WebhookDeliveryFactory(at=ago(days=1), endpoint=old.endpoint)
    off = WebhookDeliveryFactory(at=ago(days=4), endpoint=WebhookFactory(enabled=False))

    assert upkeep.give_up() == 2

    found = WebhookDelivery.objects.in_bulk()
    assert (found[old.pk].state, found[off.pk].state) == (State.GIVEN_UP, State.GIVEN_UP)
    assert found[old.pk].ended_at is not None
    assert found[young.pk].state == State.WAITING


def test_content_is_emptied_before_the_record_is_cut(settings: Any) -> None:
    settings.WEBHOOK_BODY_DAYS, settings.WEBHOOK_LOG_DAYS = 10, 20
    endpoint = WebhookFactory()
    ages = (30, 15, 5)
    rows = [
        WebhookDeliveryFactory(at=ago(days=age), endpoint=endpoint, state=State.DELIVERED, not_before=timezone.now())
        for age in ages
    ]
    WebhookAttempt.objects.create(delivery=rows[0], at=rows[0].at, error="Answered 500.", took_ms=1)

    for _ in range(3):
        upkeep.upkeep()

    kept = WebhookDelivery.objects.order_by("pk")
    assert [(row.pk, row.data) for row in kept] == [(rows[1].pk, None), (rows[2].pk, {"status": "delivered"})]
    assert not WebhookAttempt.objects.exists()


def test_what_waits_keeps_its_content_however_little_is_to_be_kept(settings: Any) -> None:
    settings.WEBHOOK_BODY_DAYS = settings.WEBHOOK_LOG_DAYS = 0
    waiting = WebhookDeliveryFactory(at=ago(days=8), not_before=timezone.now())
    ended = WebhookDeliveryFactory(at=ago(days=3), endpoint=waiting.endpoint, state=State.DELIVERED)
    upkeep.upkeep()
    assert WebhookDelivery.objects.get(pk=waiting.pk).data is not None
    assert WebhookDelivery.objects.get(pk=ended.pk).data is not None


def test_each_round_takes_a_bounded_number() -> None:
    endpoint = WebhookFactory()
    for _ in range(7):
        WebhookDeliveryFactory(at=ago(days=60), endpoint=endpoint, state=State.DELIVERED)
    assert [upkeep.cut(limit=3) for _ in range(4)] == [3, 3, 1, 0]


def test_an_endpoint_that_took_nothing_for_days_is_switched_off_with_a_notice(settings: Any) -> None:
    settings.NOTICE_EMAILS = ["operator@example.org"]
    tried = WebhookFactory(failing_since=ago(days=6), last_error_at=ago(hours=1), last_error="No connection.")
    untried = WebhookFactory(failing_since=ago(days=6), last_error_at=ago(days=6))
    young = WebhookFactory(failing_since=ago(days=4), last_error_at=ago(hours=1))

    endpoints.switch_off_failing()

    assert set(WebhookEndpoint.objects.filter(enabled=True).values_list("pk", flat=True)) == {untried.pk, young.pk}
    tried.refresh_from_db()
    assert tried.disabled_reason == f"It took nothing for {schedule.DISABLE_AFTER.days} days."
    assert "No connection." in mail.outbox[0].body
    endpoints.switch_off_failing()
    assert len(mail.outbox) == 1


def test_a_notice_is_in_the_language_of_whoever_reads_it(settings: Any) -> None:
    settings.NOTICE_EMAILS, settings.NOTICE_LANGUAGE = ["betrieb@example.org"], "de"
    WebhookFactory(failing_since=ago(days=6), last_error_at=ago(hours=1), last_error="Answered 500.")

    endpoints.switch_off_failing()

    (notice,) = mail.outbox
    assert "ist ausgeschaltet" in notice.subject
    for said in (
        f"Er nahm {schedule.DISABLE_AFTER.days} Tage lang nichts an.",
        "Letzter Fehler: Antwortete 500.",
        "/admin/delivery/",
    ):
        assert said in notice.body
    assert WebhookEndpoint.objects.get().disabled_reason == f"It took nothing for {schedule.DISABLE_AFTER.days} days."


def test_a_mail_server_that_is_away_costs_a_line_in_the_log(settings: Any) -> None:
    settings.NOTICE_EMAILS = ["operator@example.org"]
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    endpoint = WebhookFactory()
    endpoints.switch_off([endpoint.pk], "It answered 410.")
    endpoint.refresh_from_db()
    assert not endpoint.enabled


def test_one_that_is_switched_on_again_begins_anew() -> None:
    endpoint = WebhookFactory(
        enabled=False,
        disabled_reason="It took nothing.",
        failures=9,
        failing_since=ago(days=9),
        not_before=timezone.now() + timedelta(days=1),
    )
    endpoints.change(endpoint, enabled=True)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since, endpoint.not_before) == (0, None, None)
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (None, "")


def test_one_that_was_removed_is_told_nothing_and_goes_with_its_record() -> None:
    endpoint = WebhookFactory()
    for _ in range(5):
        WebhookDeliveryFactory(endpoint=endpoint)
    endpoints.remove(endpoint)
    told_message(Status.DELIVERED)
    assert WebhookDelivery.objects.count() == 5
    assert not endpoints.present().exists()
    assert WebhookEndpoint.objects.get().secret == {}

    for _ in range(4):
        upkeep.clear_removed(limit=3)

    assert not WebhookDelivery.objects.exists()
    assert not WebhookEndpoint.objects.exists()
