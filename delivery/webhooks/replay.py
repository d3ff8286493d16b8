"""Sending again what was sent: one event, or those of a time, under the ids that they had."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from delivery import wake
from delivery.models import WebhookDelivery, WebhookEndpoint

#: Of one request, which is one statement; whoever has more goes on from where it ended.
MOST = 50_000

State = WebhookDelivery.State

# Rows that wait are left as they are. The oldest first, so that a limit leaves an end to go on from.
_REPLAY = """
WITH again AS (
    SELECT id FROM delivery_webhookdelivery
    WHERE endpoint_id = %(endpoint)s AND state = ANY(%(states)s) AND data IS NOT NULL
      AND (%(event)s::uuid IS NULL OR event_id = %(event)s)
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    ORDER BY id LIMIT %(limit)s FOR UPDATE
), replayed AS (
    UPDATE delivery_webhookdelivery AS d SET
        state = 0, tries = 0, created_at = statement_timestamp(), not_before = statement_timestamp(), ended_at = NULL
    FROM again WHERE d.id = again.id RETURNING d.at
)
SELECT count(*), max(at) FROM replayed
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    number: int
    last: datetime | None
    """When the last of them happened."""
    is_all: bool
    """If not: those at `last` may not be all of that moment, and there may be later ones."""


def one(endpoint: WebhookEndpoint, event_id: UUID) -> Replayed:
    """Send this event again. `number` is 0 where it waits to be sent anyway, or is not kept any more."""
    return _replay(endpoint, event_id, None, None, (State.DELIVERED, State.GIVEN_UP))


def between(endpoint: WebhookEndpoint, since: datetime, until: datetime, *, delivered_too: bool) -> Replayed:
    """Send again what happened from `since` to before `until` and was given up; with `delivered_too` all of it."""
    states = (State.DELIVERED, State.GIVEN_UP) if delivered_too else (State.GIVEN_UP,)
    return _replay(endpoint, None, since, until, states)


def _replay(
    endpoint: WebhookEndpoint,
    event_id: UUID | None,
    since: datetime | None,
    until: datetime | None,
    states: Collection[State],
) -> Replayed:
    values: dict[str, Any] = {
        "endpoint": endpoint.pk,
        "event": event_id,
        "since": since,
        "until": until,
        "states": [state.value for state in states],
        "limit": MOST,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REPLAY, values)
        number, last = cursor.fetchone()
        transaction.on_commit(wake.webhooks)
    return Replayed(number, last, is_all=number < MOST)
