"""Redaction: texts of messages that have been final for REDACT_AFTER_DAYS, and texts received as long ago, are emptied.
With a message's text goes the metadata that its caller kept with it, and whatever other floors keep of the text
(`delivery.signals.texts_emptied`).

Goes through each month in the order of ids, a batch at a time; how far it has come stands in the month's row. What a
round found too young, or still open, has another round a day later, until a month has no text left.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from delivery.ids import first_id, month_bounds, month_of
from delivery.models import Message, MessageRequest, Month
from delivery.signals import texts_emptied
from delivery.states import FINAL

BATCH = 5000
BETWEEN_ROUNDS = timedelta(days=1)

_UPTO = "SELECT id FROM delivery_message WHERE id > %(after)s AND id < %(end)s ORDER BY id OFFSET %(size)s - 1 LIMIT 1"
# Locked in the order of ids, as everywhere; what somebody else has is left for the next round.
_MESSAGES = """
UPDATE delivery_message SET body = NULL
WHERE id > %(after)s AND id <= %(upto)s AND id = ANY(ARRAY(
    SELECT id FROM delivery_message
    WHERE id > %(after)s AND id <= %(upto)s AND final_at < %(before)s AND body <> ''
    ORDER BY id FOR UPDATE SKIP LOCKED))
RETURNING id
"""
_INBOUND = "UPDATE delivery_inbound SET body = NULL WHERE id > %(after)s AND id <= %(upto)s AND body <> ''"
# What callers kept with them may name people as well.
_METADATA = """
UPDATE delivery_messagerequest SET metadata = '{}'
WHERE message_id > %(after)s AND message_id <= %(upto)s AND metadata <> '{}' AND message_id IN (
    SELECT id FROM delivery_message WHERE id > %(after)s AND id <= %(upto)s AND final_at < %(before)s)
"""
_LEFT = "SELECT count(*) FROM delivery_message WHERE id > %(after)s AND id <= %(upto)s AND body <> ''"


def redact(*, seconds: float, now: datetime | None = None) -> int:
    """Empty what is old enough, for about so many seconds. Returns how many texts went."""
    if not settings.REDACT_AFTER_DAYS:
        return 0
    until, emptied = time.monotonic() + seconds, 0
    while (batch := _batch(now or timezone.now())) is not None:
        emptied += batch
        if time.monotonic() > until:
            break
    return emptied


def redact_one(message_id: UUID) -> bool:
    """Empty the text of one message now, and what its caller kept with it. False: it is not final. Idempotent."""
    with transaction.atomic():
        emptied = Message.objects.filter(pk=message_id, status__in=FINAL).update(sealed_body=None)
        if emptied:
            MessageRequest.objects.filter(message_id=message_id).update(metadata={})
            texts_emptied.send(sender=Message, message_ids=[message_id])
    return bool(emptied)


def _batch(now: datetime) -> int | None:
    """One batch of the oldest month that has something to do, all or nothing; None: there is no such month."""
    before = now - timedelta(days=settings.REDACT_AFTER_DAYS)
    with transaction.atomic():
        month = (
            Month.objects.select_for_update(skip_locked=True)
            .filter(Q(redaction_at=None) | Q(redaction_at__lte=now), month__lte=month_of(before))
            .filter(dropped_at=None, redacted_at=None)
            .order_by("month")
            .first()
        )
        if month is None:
            return None
        first, end_of_month = month_bounds(month.month)
        end = min(end_of_month, first_id(before))
        after = month.redacted_upto or first
        upto, emptied, left = _empty(after, end, before)
        month.redacted_upto = upto
        month.redaction_left += left
        if upto >= end:
            _end_round(month, now, whole=end == end_of_month)
        month.save()
    return emptied


def _empty(after: UUID, end: UUID, before: datetime) -> tuple[UUID, int, int]:
    """How far it came, how many texts went, and how many messages of the stretch keep theirs."""
    values: dict[str, Any] = {"after": after, "end": end, "before": before, "size": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(_UPTO, values)
        row = cursor.fetchone()
        upto: UUID = row[0] if row else end
        values["upto"] = upto
        cursor.execute(_MESSAGES, values)
        ids = [message_id for (message_id,) in cursor.fetchall()]
        emptied = len(ids)
        cursor.execute(_INBOUND, values)
        emptied += cursor.rowcount
        cursor.execute(_METADATA, values)
        cursor.execute(_LEFT, values)
        (left,) = cursor.fetchone()
    texts_emptied.send(sender=Message, message_ids=ids)
    return upto, emptied, left


def _end_round(month: Month, now: datetime, *, whole: bool) -> None:
    if month.redaction_left:
        month.redacted_upto, month.redaction_left = None, 0
    elif whole:
        month.redacted_at = now
    month.redaction_at = now + BETWEEN_ROUNDS
