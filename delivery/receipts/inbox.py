"""The receipt inbox: what was answered 2xx stands here until it is applied."""

from collections.abc import Sequence
from typing import Any

import psycopg

from delivery.providers.base import Receipt
from delivery.settle import clean

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_APPEND = """
INSERT INTO delivery_inboxreceipt
    (provider_id, message_id, attempt, provider_message_id, status, reason, code, slows, received_at, try_at, tries)
SELECT provider_id, message_id, attempt, provider_message_id, status, reason, code, slows,
       statement_timestamp() + after * interval '1 second', statement_timestamp() + after * interval '1 second', 0
FROM unnest(%b::bigint[], %b::uuid[], %b::smallint[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::text[], %b::float8[])
    AS r (provider_id, message_id, attempt, provider_message_id, status, reason, code, slows, after)
"""


async def append(connection: Connection, receipts: Sequence[tuple[int, Receipt]]) -> None:
    """Store (provider id, receipt) pairs; they are durable when this returns."""
    await connection.execute(
        _APPEND,
        (
            [provider_id for provider_id, _ in receipts],
            [receipt.message_id for _, receipt in receipts],
            [receipt.attempt for _, receipt in receipts],
            [clean(receipt.provider_message_id, 64) for _, receipt in receipts],
            [receipt.status.value for _, receipt in receipts],
            [receipt.failure.value if receipt.failure else "" for _, receipt in receipts],
            [clean(receipt.code, 20) for _, receipt in receipts],
            [receipt.slows.value if receipt.slows else "" for _, receipt in receipts],
            [receipt.after for _, receipt in receipts],
        ),
    )
