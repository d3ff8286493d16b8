"""Redaction: texts that are old enough go, all others stay, in batches that never begin from nothing."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery import redaction
from delivery.models import Inbound, Message, MessageRequest, Month
from delivery.signals import texts_emptied
from tests.delivery.storage_scenes import LONG_AGO, id_of, message_of
from tests.factories import InboundFactory, MessageFactory

pytestmark = pytest.mark.django_db

NOW = LONG_AGO + timedelta(days=60)


@pytest.fixture(autouse=True)
def after_ten_days(settings: Settings) -> None:
    settings.REDACT_AFTER_DAYS = 10


def redact(now: datetime = NOW) -> int:
    return redaction.redact(seconds=60, now=now)


def texts() -> list[str | None]:
    return [message.body for message in Message.objects.order_by("pk")]


def test_by_default_nothing_is_ever_redacted(settings: Settings) -> None:
    settings.REDACT_AFTER_DAYS = 0
    message_of(LONG_AGO)
    assert redact() == 0
    assert texts() == ["Your table is ready."]


def test_texts_of_what_has_been_final_long_enough_go_and_no_others() -> None:
    old = message_of(LONG_AGO)
    still_open = message_of(LONG_AGO, status="queued", final_at=None)
    lately_final = message_of(LONG_AGO, final_at=NOW - timedelta(days=9))
    inbound = InboundFactory(id=id_of(LONG_AGO))
    young, young_inbound = MessageFactory(status="delivered"), InboundFactory()

    assert redact() == 2

    redacted = Message.objects.filter(sealed_body=None).values_list("pk", flat=True)
    assert list(redacted) == [old.pk]
    assert Message.objects.get(pk=old.pk).body is None
    assert all(Message.objects.get(pk=message.pk).body for message in (still_open, lately_final, young))
    assert Inbound.objects.get(pk=inbound.pk).body is None
    assert Inbound.objects.get(pk=young_inbound.pk).body


def test_with_a_text_goes_what_its_caller_kept_with_it() -> None:
    old, still_open = message_of(LONG_AGO), message_of(LONG_AGO, status="queued", final_at=None)
    for message in (old, still_open):
        MessageRequest.objects.create(message=message, api_key_id=1, client_reference="a", metadata={"for": "Ada"})

    redact()

    assert MessageRequest.objects.get(pk=old.pk).metadata == {}
    assert MessageRequest.objects.get(pk=old.pk).client_reference == "a"
    assert MessageRequest.objects.get(pk=still_open.pk).metadata == {"for": "Ada"}


def test_whoever_keeps_something_of_the_text_is_told_of_what_was_emptied_and_nothing_else() -> None:
    old = message_of(LONG_AGO)
    message_of(LONG_AGO, status="queued", final_at=None)
    told: list[UUID] = []

    def note(message_ids: list[UUID], **_: object) -> None:
        told.extend(message_ids)

    texts_emptied.connect(note)
    try:
        redact()
    finally:
        texts_emptied.disconnect(note)

    assert told == [old.pk]


def test_what_was_too_young_goes_in_a_later_round_and_then_the_month_is_done() -> None:
    message_of(LONG_AGO)
    message_of(LONG_AGO, final_at=NOW - timedelta(days=9, hours=12))
    redact()
    assert redact(NOW + timedelta(hours=23)) == 0, "a round a day"

    assert redact(NOW + timedelta(days=1)) == 1

    assert texts() == [None, None]
    month = Month.objects.get(month=LONG_AGO.date().replace(day=1))
    assert month.redacted_at == NOW + timedelta(days=1)


def test_it_goes_by_batches_and_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "BATCH", 10)
    for _ in range(25):
        message_of(LONG_AGO)

    done = [redaction.redact(seconds=0, now=NOW) for _ in range(4)]

    assert done[:3] == [10, 10, 5]
    assert set(texts()) == {None}


def test_within_a_month_that_is_not_over_only_what_is_old_is_looked_at() -> None:
    early, late = message_of(LONG_AGO), message_of(LONG_AGO + timedelta(days=15))

    redact(LONG_AGO + timedelta(days=20))
    assert texts() == [None, late.body]

    redact(LONG_AGO + timedelta(days=26))
    assert texts() == [None, None]
    assert early.pk < late.pk


def test_a_text_that_was_never_there_is_not_called_redacted() -> None:
    message_of(LONG_AGO, status="suppressed", body="")
    assert redact() == 0
    assert texts() == [""]


def test_housekeeping_redacts(settings: Settings) -> None:
    from delivery import tasks

    old = message_of(LONG_AGO, final_at=timezone.now() - timedelta(days=11))
    tasks.housekeeping()
    assert Message.objects.get(pk=old.pk).body is None
