"""What failed of late, by kind, out of a bounded number of messages."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import failures, testcarrier
from delivery.ids import campaign_range
from delivery.states import Status
from tests.factories import MessageFactory, SenderFactory

pytestmark = pytest.mark.django_db


def test_failures_are_told_by_provider_and_code_the_latest_first() -> None:
    sender = SenderFactory()
    now = timezone.now()
    for minutes, status, reason, code in [
        (9, Status.FAILED, "landline", "30006"),
        (8, Status.UNDELIVERED, "unreachable", "30003"),
        (1, Status.UNDELIVERED, "unreachable", "30003"),
        (2, Status.EXPIRED, "no_receipt", ""),
        (0, Status.DELIVERED, "", ""),
        (0, Status.SUPPRESSED, "opted_out", ""),
    ]:
        at = now - timedelta(minutes=minutes)
        MessageFactory(sender=sender, status=status, reason=reason, error_code=code, final_at=at)

    found = failures.latest(failures.since(now - timedelta(hours=1)))

    assert [(kind.reason, kind.code, kind.messages) for kind in found] == [
        ("unreachable", "30003", 2),
        ("no_receipt", "", 1),
        ("landline", "30006", 1),
    ]
    assert found[0].last_at == now - timedelta(minutes=1)
    assert {kind.provider_id for kind in found} == {sender.provider_id}


def test_those_of_a_campaign_are_its_own() -> None:
    launched = timezone.now()
    MessageFactory(status=Status.FAILED, reason="landline")
    assert failures.latest(campaign_range(launched - timedelta(days=1), 7)) == []


def test_no_more_are_looked_at_than_so_many_of_each_status() -> None:
    sender = SenderFactory()
    MessageFactory.create_batch(4, sender=sender, status=Status.FAILED)
    MessageFactory.create_batch(2, sender=sender, status=Status.UNDELIVERED)

    found = failures.latest(failures.since(timezone.now() - timedelta(hours=1)), most=3)

    assert {kind.status: kind.messages for kind in found} == {Status.FAILED: 3, Status.UNDELIVERED: 2}


def test_what_the_test_carrier_failed_is_not_told() -> None:
    MessageFactory(sender=testcarrier.sender(), status=Status.FAILED)
    assert failures.latest(failures.since(timezone.now() - timedelta(hours=1))) == []
