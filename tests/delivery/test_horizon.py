"""Where the queue begins: below every open message, and no further back than need be."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from delivery import horizon
from delivery.ids import month_bounds, month_of
from delivery.models import Message
from tests.delivery.storage_scenes import LONG_AGO, message_of
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    horizon.forget()


def yesterdays_month() -> UUID:
    return month_bounds(month_of(timezone.now() - timedelta(days=1)))[0]


def test_with_nothing_open_it_begins_with_the_month_of_yesterday() -> None:
    MessageFactory()
    message_of(LONG_AGO)
    assert horizon.floor() == yesterdays_month()


@pytest.mark.parametrize("status", ["held", "queued", "sending", "uncertain", "accepted", "sent"])
def test_it_begins_with_the_month_of_the_oldest_open_message(status: str) -> None:
    message_of(LONG_AGO.replace(month=2))
    message = message_of(LONG_AGO, status=status, final_at=None)
    MessageFactory()
    assert horizon.floor() == month_bounds(month_of(LONG_AGO))[0] < message.pk


def test_what_is_opened_again_is_found_when_it_is_asked_anew() -> None:
    message = message_of(LONG_AGO, status="failed")
    assert horizon.floor() == yesterdays_month()

    Message.objects.filter(pk=message.pk).update(status="held")
    assert horizon.floor() == yesterdays_month(), "asked a moment ago"
    horizon.forget()

    assert horizon.floor() < message.pk
