"""Months are open ahead of time, and a message of a month that is not open is refused."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection

from delivery import months, tasks
from delivery.ids import month_of, months_later
from delivery.models import Message, Month
from tests.delivery.storage_scenes import LONG_AGO, id_of, message_of
from tests.factories import MessageEventFactory, MessageFactory, SenderFactory

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime(2031, 11, 25, tzinfo=UTC)


def partition_of(message: Message, table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE {column} = %s", [message.pk])
        return str(cursor.fetchone()[0])


def test_after_a_migration_last_month_to_three_ahead_are_open() -> None:
    assert months.missing() == []
    assert Month.objects.count() == 5


def test_months_are_opened_ahead_over_the_turn_of_the_year() -> None:
    assert months.open_ahead(NEXT_YEAR) == [date(2031, 10, 1), date(2031, 11, 1), date(2031, 12, 1), *JANUARY_2032]
    assert months.open_ahead(NEXT_YEAR) == []
    assert Month.objects.get(month=date(2032, 2, 1)).body_key


JANUARY_2032 = [date(2032, 1, 1), date(2032, 2, 1)]


def test_a_message_and_its_timeline_lie_in_the_month_of_its_id() -> None:
    message = message_of(LONG_AGO)
    MessageEventFactory(message=message)

    assert partition_of(message, "delivery_message", "id") == "delivery_message_2024_03"
    assert partition_of(message, "delivery_messageevent", "message_id") == "delivery_messageevent_2024_03"
    assert Message.objects.get(pk=message.pk).body == message.body


def test_a_partition_has_its_storage_settings_and_every_index_of_the_whole() -> None:
    months.open_month(date(2024, 3, 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'delivery_message_2024_03'")
        (options,) = cursor.fetchone()
        cursor.execute(
            "SELECT tablename, count(*) FROM pg_indexes WHERE tablename = ANY(%s) GROUP BY 1",
            [["delivery_message", "delivery_message_2024_03"]],
        )
        indexes = dict(cursor.fetchall())
    assert "fillfactor=80" in options
    assert indexes["delivery_message"] == indexes["delivery_message_2024_03"]


def test_a_message_of_a_month_that_is_not_open_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no partition"):
        MessageFactory(id=id_of(LONG_AGO), body="", sender=SenderFactory())


def test_a_month_that_was_dropped_is_not_opened_again() -> None:
    Month.objects.create(month=date(2024, 3, 1), opened_at=LONG_AGO, dropped_at=LONG_AGO)
    months.open_month(date(2024, 3, 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('delivery_message_2024_03')")
        assert cursor.fetchone() == (None,)


def test_housekeeping_opens_what_is_missing() -> None:
    last = months_later(month_of(datetime.now(UTC)), months.AHEAD)
    with connection.cursor() as cursor:
        for parent in months.TABLES:
            cursor.execute(f"DROP TABLE {months.partition(parent, last)}")
    Month.objects.filter(month=last).delete()

    tasks.housekeeping()

    assert months.missing() == []
