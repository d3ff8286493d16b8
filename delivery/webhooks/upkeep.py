"""Upkeep: what nobody came for is given up, contents are emptied, the record of it is cut, what was removed goes.

Each is one statement that takes a bounded number of rows, and skips what somebody else has; so it may be cut short and
run twice. Endpoints that took nothing for days are switched off.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_noop

from delivery.models import WebhookEndpoint
from delivery.webhooks import endpoints, schedule

_LATE = gettext_noop("Nobody took it in time.")
#: Rows of one endpoint in one round; a round is of ten endpoints at most.
BATCH = 2000

# Never tried or not any more, for its endpoint is down or switched off: in the order of the index of what is due.
_GIVE_UP = """
UPDATE delivery_webhookdelivery SET
    state = 2, ended_at = statement_timestamp(), error = %(error)s
WHERE id = ANY(ARRAY(
    SELECT old.id FROM delivery_webhookendpoint AS e
    CROSS JOIN LATERAL (
        SELECT id FROM delivery_webhookdelivery AS d
        WHERE d.endpoint_id = e.id AND d.state = 0
          AND d.not_before < statement_timestamp() - make_interval(secs => %(age)s)
        ORDER BY d.not_before, d.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED) AS old
    LIMIT %(batch)s))
"""
# Ids and times go together, but for what was replayed: nothing behind one of those is reached before it is old again.
# Rows are compared as pairs, for a plan for any endpoint would rather walk through the ids of all of them.
_OLD = """
    SELECT old.id, old.endpoint_id
    FROM (SELECT e.id, e.redacted_upto
          FROM delivery_webhookendpoint AS e
          CROSS JOIN LATERAL (
              SELECT created_at FROM delivery_webhookdelivery AS d
              WHERE (d.endpoint_id, d.id) > (e.id, {after}) AND d.endpoint_id <= e.id
              ORDER BY d.endpoint_id, d.id LIMIT 1) AS first
          WHERE first.created_at < {before} ORDER BY first.created_at LIMIT 10) AS e
    CROSS JOIN LATERAL (
        SELECT id, endpoint_id,
               min(CASE WHEN created_at < {before} AND state <> 0 THEN NULL ELSE id END) OVER () AS stop
        FROM (SELECT id, endpoint_id, created_at, state FROM delivery_webhookdelivery AS d
              WHERE (d.endpoint_id, d.id) > (e.id, {after}) AND d.endpoint_id <= e.id
              ORDER BY d.endpoint_id, d.id LIMIT %(batch)s) AS batch) AS old
    WHERE old.id < COALESCE(old.stop, old.id + 1)
"""
_BEFORE = "statement_timestamp() - make_interval(secs => %(age)s)"
_EMPTY = f"""
WITH old AS ({_OLD.format(before=_BEFORE, after="e.redacted_upto")}),
emptied AS (UPDATE delivery_webhookdelivery SET data = NULL WHERE id IN (SELECT id FROM old) AND state <> 0)
UPDATE delivery_webhookendpoint AS e SET redacted_upto = done.upto
FROM (SELECT endpoint_id, max(id) AS upto FROM old GROUP BY endpoint_id) AS done WHERE e.id = done.endpoint_id
"""
_CUT = f"""
WITH old AS ({_OLD.format(before=_BEFORE, after="0")}),
attempts AS (DELETE FROM delivery_webhookattempt WHERE delivery_id IN (SELECT id FROM old))
DELETE FROM delivery_webhookdelivery WHERE id IN (SELECT id FROM old) AND state <> 0
"""
_CLEAR = """
WITH gone AS (SELECT id FROM delivery_webhookdelivery WHERE endpoint_id = %(endpoint)s ORDER BY id LIMIT %(batch)s),
attempts AS (DELETE FROM delivery_webhookattempt WHERE delivery_id IN (SELECT id FROM gone))
DELETE FROM delivery_webhookdelivery WHERE id IN (SELECT id FROM gone)
"""


_UNUSED = """
DELETE FROM delivery_webhookendpoint AS e
WHERE e.api_key_id IS NOT NULL AND e.enabled AND e.created_at < statement_timestamp() - make_interval(days => 1)
  AND NOT EXISTS (SELECT FROM delivery_webhookdelivery AS d WHERE d.endpoint_id = e.id)
"""


def upkeep() -> None:
    endpoints.switch_off_failing()
    give_up()
    empty()
    cut()
    clear_removed()
    forget_unused()


def give_up(*, age: timedelta = schedule.GIVE_UP_AFTER, limit: int = BATCH) -> int:
    """What has been due for so long. Returns how many."""
    return _run(_GIVE_UP, age=age.total_seconds(), batch=limit, error=_LATE)


def empty(*, limit: int = BATCH) -> int:
    """The content of what is older than WEBHOOK_BODY_DAYS, and surely ended. Returns how many endpoints it is of."""
    age = max(timedelta(days=settings.WEBHOOK_BODY_DAYS), 2 * schedule.GIVE_UP_AFTER)
    return _run(_EMPTY, age=age.total_seconds(), batch=limit)


def cut(*, limit: int = BATCH) -> int:
    """The record of what is older than WEBHOOK_LOG_DAYS. Returns how many."""
    days = max(settings.WEBHOOK_LOG_DAYS, settings.WEBHOOK_BODY_DAYS)
    age = max(timedelta(days=days), 2 * schedule.GIVE_UP_AFTER)
    return _run(_CUT, age=age.total_seconds(), batch=limit)


def clear_removed(*, limit: int = BATCH) -> None:
    """Endpoints that were removed, with their record."""
    for endpoint in WebhookEndpoint.objects.filter(removed_at__isnull=False).defer("secret").order_by("pk")[:10]:
        if not _run(_CLEAR, endpoint=endpoint.pk, batch=limit):
            endpoint.delete()


def forget_unused() -> int:
    """Endpoints that messages had named, and nothing is known of any more. Returns how many."""
    return _run(_UNUSED)


def _run(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
