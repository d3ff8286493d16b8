"""The doctor on where messages are kept: room for those to come, keys for what they say, months that should be gone."""

import base64
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery import bodies
from delivery.models import Message
from smshub.doctor import storage
from smshub.doctor.findings import Finding, Level
from tests.delivery.storage_scenes import LONG_AGO, message_of

pytestmark = pytest.mark.django_db


def findings(found: object) -> list[Finding]:
    return list(found)  # type: ignore[call-overload, no-any-return]


def test_a_hub_that_keeps_house_has_nothing_to_say() -> None:
    assert findings(storage.open_months()) == findings(storage.text_keys()) == findings(storage.overdue()) == []


@pytest.mark.parametrize(("days", "level"), [(62, Level.WARNING), (115, Level.PROBLEM)])
def test_months_that_housekeeping_has_not_opened_are_found(days: int, level: Level) -> None:
    middle: datetime = timezone.now().replace(day=15)
    with time_machine.travel(middle + timedelta(days=days), tick=False):
        (finding,) = findings(storage.open_months())
    assert finding.level is level
    assert "none can be stored" in finding.what


def test_keys_that_are_missing_from_the_ring_are_found(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [base64.urlsafe_b64encode(bytes(32)).decode()]
    (finding,) = findings(storage.text_keys())
    assert finding.level is Level.PROBLEM
    assert "and 4 more months cannot be read" in finding.what
    bodies.forget()


def test_a_month_that_should_be_gone_is_found_with_what_keeps_it(settings: Settings) -> None:
    settings.RETENTION_MONTHS = 12
    message = message_of(LONG_AGO, status="queued", final_at=None)
    (finding,) = findings(storage.overdue())
    assert "still open" in finding.what

    Message.objects.filter(pk=message.pk).update(status="cancelled")
    (finding,) = findings(storage.overdue())
    assert "reads" in finding.what
