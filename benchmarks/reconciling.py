"""Reconciling alone: an inbox that was filled beforehand, with three receipts per message in the order they come."""

from uuid import UUID

from django.db import connection
from django.utils import timezone

from benchmarks import scenes
from benchmarks.alone import Figures, seconds
from benchmarks.sending import RECEIPTS
from delivery.models import Message, MessageEvent
from delivery.receipts.reconcile import BATCH, reconcile_batch
from delivery.states import Status

# The receipts of one message come some tenths of a second apart, in which so many others send theirs.
_FILL = """
INSERT INTO delivery_inboxreceipt
    (provider_id, message_id, attempt, provider_message_id, status, reason, code, received_at, try_at, tries)
SELECT provider_id, id, 1, provider_message_id, receipt.status, '', '', now, now, 0
FROM (SELECT id, provider_id, provider_message_id, row_number() OVER (ORDER BY id) / 500 AS block
      FROM delivery_message) AS message,
     unnest(ARRAY['accepted', 'sent', 'delivered']) WITH ORDINALITY AS receipt (status, place),
     LATERAL (SELECT now() - interval '1 hour' + interval '1 ms' * (block + 2 * place) AS now) AS moment
ORDER BY now, id
"""


def ours(size: int) -> Figures:
    """`size` messages, all their receipts."""
    _fill(size)

    def reconcile_all() -> None:
        while reconcile_batch():
            pass

    took = seconds(reconcile_all)
    delivered, events = Message.objects.filter(status=Status.DELIVERED).count(), MessageEvent.objects.count()
    if (delivered, events) != (size, RECEIPTS * size):
        raise SystemExit(f"{delivered} of {size} messages are delivered, and {events} receipts noted.")
    return {"seconds": took}


def writes_only(size: int) -> Figures:
    """What must be written, by ids known beforehand and without a question asked, in batches as large."""
    _fill(size)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, message_id, status FROM delivery_inboxreceipt ORDER BY try_at")
        receipts = cursor.fetchall()

    def write_all() -> None:
        for start in range(0, len(receipts), BATCH):
            _write(receipts[start : start + BATCH])

    return {"seconds": seconds(write_all)}


def _fill(size: int) -> None:
    scenes.messages(size, scenes.sender(), Status.ACCEPTED)
    with connection.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute("ANALYZE delivery_inboxreceipt")


def _write(receipts: list[tuple[int, UUID, str]]) -> None:
    """One statement of everything: a batch that fails leaves nothing."""
    highest = {message_id: status for _, message_id, status in receipts}
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH noted AS (
                   INSERT INTO delivery_messageevent
                       (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
                   SELECT id, 'receipt:1:' || status || ':', %(now)s, 'receipt', status, 1, '', '', ''
                   FROM unnest(%(ids)s::uuid[], %(statuses)s::text[]) AS receipt (id, status)
               ), applied AS (
                   UPDATE delivery_message AS m SET status = best.status, final_at = %(now)s, ask_at = NULL
                   FROM unnest(%(messages)s::uuid[], %(best)s::text[]) AS best (id, status) WHERE m.id = best.id
               )
               DELETE FROM delivery_inboxreceipt WHERE id = ANY(%(inbox)s)""",
            {
                "now": timezone.now(),
                "ids": [message_id for _, message_id, _ in receipts],
                "statuses": [status for _, _, status in receipts],
                "messages": list(highest),
                "best": list(highest.values()),
                "inbox": [pk for pk, _, _ in receipts],
            },
        )
