"""What is to be told, written in the transaction of what it tells.

What is told of messages is written by a trigger on them (migration status_webhooks), which has the same columns. Where
nobody wants an event it costs a look at a small table. Texts are not in here: they are read, and sealed where they are,
when they are told (`delivery.webhooks.turns`).
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils.translation import gettext_noop

from delivery import wake
from delivery.models import WebhookEndpoint
from delivery.webhooks import events

_ERASED = gettext_noop("Whom it was about was erased.")
#: Events that one statement writes.
BATCH = 2000

_WANTED = "SELECT true FROM delivery_webhookendpoint WHERE enabled AND events ?| %s::text[] LIMIT 1"
_COLUMNS = "(endpoint_id, event_id, type, subject, data, at, created_at, not_before, error)"
_EMIT = f"""
INSERT INTO delivery_webhookdelivery {_COLUMNS}
SELECT endpoint.id, event.event_id, %(type)s, event.subject, event.data::jsonb, %(at)s,
       transaction_timestamp(), transaction_timestamp(), ''
FROM unnest(%(event_ids)s::uuid[], %(subjects)s::uuid[], %(data)s::text[])
         WITH ORDINALITY AS event (event_id, subject, data, place)
CROSS JOIN delivery_webhookendpoint AS endpoint
WHERE endpoint.enabled AND endpoint.events ?| %(patterns)s::text[]
ORDER BY event.place
"""
_PING = f"""
INSERT INTO delivery_webhookdelivery {_COLUMNS}
VALUES (%(endpoint)s, %(event_id)s, %(type)s, %(event_id)s, %(data)s::jsonb, statement_timestamp(),
        transaction_timestamp(), transaction_timestamp(), '')
"""

# By the index webhook_kept.
_EMPTY = """
UPDATE delivery_webhookdelivery SET
    data = NULL, url = NULL, error = CASE WHEN state = 0 THEN %(error)s ELSE error END,
    ended_at = COALESCE(ended_at, statement_timestamp()), state = CASE WHEN state = 0 THEN 2 ELSE state END
WHERE subject = ANY(%(subjects)s::uuid[]) AND data IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """What an event says of one thing. `subject` is from `subject_of`, or an id that is one itself."""

    subject: UUID
    data: dict[str, Any] = field(repr=False)


def subject_of(kind: str, key: object) -> UUID:
    """A name for what events are told of in order, from which a number cannot be had back."""
    name = f"webhook subject {kind} {key}".encode()
    return UUID(bytes=hmac.digest(settings.SECRET_KEY.encode(), name, hashlib.sha256)[:16])


def is_wanted(name: str) -> bool:
    """Whether anybody hears of this event: before much is read for it."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, [events.patterns(name)])
        return cursor.fetchone() is not None


def emit(name: str, subject: UUID, data: dict[str, Any], at: datetime) -> None:
    """Tell whoever wants to know. Call it in the transaction of what happened."""
    emit_many(name, [Fact(subject, data)], at)


def emit_many(name: str, facts: Sequence[Fact], at: datetime) -> None:
    """The same of many things that happened at once; told in this order where they are about one. KeyError for a name
    that is not in the catalogue."""
    events.CATALOGUE[name]
    with connection.cursor() as cursor:
        for start in range(0, len(facts), BATCH):
            batch = facts[start : start + BATCH]
            values: dict[str, Any] = {
                "type": name,
                "patterns": events.patterns(name),
                "at": at,
                "event_ids": [uuid_utils.compat.uuid7() for _ in batch],
                "subjects": [fact.subject for fact in batch],
                "data": [json.dumps(fact.data, cls=DjangoJSONEncoder) for fact in batch],
            }
            cursor.execute(_EMIT, values)
            if cursor.rowcount:
                transaction.on_commit(wake.webhooks)


def ping(endpoint: WebhookEndpoint) -> UUID:
    """A test, for this one alone and whatever it subscribed to. Returns the event's id."""
    event_id: UUID = uuid_utils.compat.uuid7()
    data = json.dumps(events.CATALOGUE[events.PING].example)
    with connection.cursor() as cursor:
        cursor.execute(_PING, {"endpoint": endpoint.pk, "event_id": event_id, "type": events.PING, "data": data})
    transaction.on_commit(wake.webhooks)
    return event_id


def empty(subjects: Sequence[UUID]) -> int:
    """Take away what is kept to be told, or was told, of these: their person is being erased. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY, {"subjects": list(subjects), "error": _ERASED})
        return int(cursor.rowcount)
