"""Messages of other months than this one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from delivery import months
from delivery.ids import first_id, month_of, new_message_id
from delivery.models import Message
from tests.factories import MessageFactory

LONG_AGO = datetime(2024, 3, 10, 12, tzinfo=UTC)


def id_of(at: datetime) -> UUID:
    """An id as it was made at that time."""
    return UUID(int=first_id(at).int | new_message_id().int % 2**80)


def message_of(at: datetime, **fields: Any) -> Message:
    months.open_month(month_of(at))
    return MessageFactory(**{"id": id_of(at), "created_at": at, "status": "delivered", "final_at": at, **fields})
