"""What callers of the API say of their messages, written beside them."""

import json
from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from delivery.models import Message, MessageRequest
from delivery.submitting.drafts import Request

_INSERT = """
INSERT INTO delivery_messagerequest (message_id, api_key_id, metadata, status_webhook, client_reference, is_test)
SELECT id, api_key_id, metadata::jsonb, status_webhook, client_reference, is_test
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::boolean[])
    AS new (id, api_key_id, metadata, status_webhook, client_reference, is_test)
"""


def write(requests: Mapping[UUID, Request]) -> None:
    """By the ids of their messages, in the transaction that writes these."""
    if not requests:
        return
    made = [
        (pk, of.api_key_id, json.dumps(dict(of.metadata)), of.status_webhook, of.client_reference, of.is_test)
        for pk, of in requests.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*made, strict=True)])


def attach(message: Message, request: Request) -> None:
    """The message's `request` as it was written, without reading it."""
    message.request = MessageRequest(
        message=message,
        api_key_id=request.api_key_id,
        metadata=dict(request.metadata),
        status_webhook=request.status_webhook,
        client_reference=request.client_reference,
        is_test=request.is_test,
    )
