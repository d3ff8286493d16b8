"""Retention: whole months go, what must outlive them stays, and nobody who sends waits for it."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery import bodies, months, retention, tallies
from delivery.ids import month_of
from delivery.models import Attempt, Inbound, Message, MessageEvent, Month, MonthSummary
from delivery.receipts.evidence import Evidence, apply
from delivery.states import Status
from tests.delivery.storage_scenes import LONG_AGO, id_of, message_of
from tests.factories import InboundFactory, MessageEventFactory, MessageFactory

MARCH = date(2024, 3, 1)
#: As of then March is the first month that is not kept.
MAY = datetime(2024, 5, 2, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_month(settings: Settings) -> None:
    settings.RETENTION_MONTHS = 1


def tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'delivery\\_%\\_2024\\_03'")
        return int(cursor.fetchone()[0])


def test_by_default_everything_is_kept(settings: Settings) -> None:
    settings.RETENTION_MONTHS = 0
    message_of(LONG_AGO)
    assert retention.drop_old(MAY) == []
    assert Message.objects.count() == 1


def test_a_month_is_kept_as_long_as_it_is_to_be() -> None:
    message_of(LONG_AGO)
    assert retention.drop_old(datetime(2024, 4, 30, 23, 59, tzinfo=UTC)) == []


def test_a_month_goes_with_timeline_attempts_and_key_and_its_sums_stay() -> None:
    fields = {"campaign_id": 7, "country": "US", "cost": Decimal("0.00790"), "segments": 2}
    first = message_of(LONG_AGO, contact_id=1, **fields)
    MessageFactory(
        id=id_of(LONG_AGO), contact_id=2, status="delivered", sender=first.sender, final_at=LONG_AGO, **fields
    )
    message_of(LONG_AGO, status="failed", reason="landline")
    MessageEventFactory(message=first)
    Attempt.objects.create(message=first, number=1, status="failed", ended_at=LONG_AGO)
    inbound = InboundFactory(id=id_of(LONG_AGO))
    kept = MessageFactory()
    counted = tallies.counts([7])

    assert retention.drop_old(MAY) == [MARCH]

    assert list(Message.objects.values_list("pk", flat=True)) == [kept.pk]
    assert (MessageEvent.objects.count(), Attempt.objects.count(), tables()) == (0, 0, 0)
    big, small = MonthSummary.objects.order_by("-messages")
    assert (big.month, big.campaign_id, big.provider, big.country, big.sender, big.status, big.reason) == (
        *(MARCH, 7, first.provider, "US", first.sender, "delivered", ""),
    )
    assert (big.messages, big.segments, big.cost) == (2, 4, Decimal("0.01580"))
    assert (small.campaign_id, small.status, small.reason, small.messages) == (0, "failed", "landline", 1)
    assert tallies.counts([7]) == counted
    assert Inbound.objects.get(pk=inbound.pk).body is None, "its key is gone"
    assert Month.objects.get(month=MARCH).body_key is None
    assert bodies.seal(kept.pk, "other months have theirs")


def test_a_month_in_which_something_is_open_stays() -> None:
    for status in ("held", "queued", "sending", "uncertain", "accepted", "sent"):
        message = message_of(LONG_AGO, status=status, final_at=None)
        assert retention.drop_old(MAY) == [], status
        Message.objects.filter(pk=message.pk).update(status="expired")
    assert retention.drop_old(MAY) == [MARCH]


def test_killed_between_taking_off_and_dropping_it_goes_on() -> None:
    message_of(LONG_AGO)
    retention._detach(MARCH, MAY)
    assert (Message.objects.count(), tables(), MonthSummary.objects.count()) == (0, len(months.TABLES), 0)

    assert retention.drop_old(MAY) == [MARCH]
    assert retention.drop_old(MAY) == []

    assert (tables(), MonthSummary.objects.get().messages) == (0, 1)


def test_a_receipt_for_what_was_dropped_does_no_harm() -> None:
    message = message_of(LONG_AGO)
    retention.drop_old(MAY)

    apply([Evidence(message.pk, 1, "SM1", Status.READ, "", "", timezone.now(), "receipt")])

    assert not MessageEvent.objects.exists()


@pytest.fixture
def reader(transactional_db: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    database = connection.settings_dict
    with psycopg.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"],
    ) as other:
        yield other
    with connection.cursor() as cursor:
        for parent in months.TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {months.partition(parent, MARCH)}")


@pytest.mark.django_db(transaction=True)
def test_behind_a_long_read_it_gives_up_and_comes_again(reader: "psycopg.Connection[tuple[object, ...]]") -> None:
    message_of(LONG_AGO)
    reader.execute("SELECT count(*) FROM delivery_message")

    began = time.monotonic()
    assert retention.drop_old(MAY) == []
    assert time.monotonic() - began < 5, "it does not wait for the reader"
    assert (Message.objects.count(), MonthSummary.objects.count()) == (1, 0)

    reader.rollback()
    assert retention.drop_old(MAY) == [MARCH]


def test_months_are_told_by_the_first_of_their_days() -> None:
    assert month_of(LONG_AGO) == MARCH
