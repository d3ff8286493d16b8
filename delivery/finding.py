"""Messages by what their callers said of them. Each is answered from an index, whatever else is asked for."""

import json
import re
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from delivery.ids import ANYTIME, LATEST
from delivery.models import Message

#: Messages with one pair of metadata, or one reference, that a list goes through, the newest first: what half of all
#: messages have is no way to find one.
MOST_FOUND = 10_000

_literal = re.compile(r"true|false|-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?", re.ASCII).fullmatch

# The index has no order, so with a LIMIT the planner would rather walk through all messages, newest first. It does not
# look through OFFSET 0, and is given the ids as an array, so that there is nothing to decide.
_BY_METADATA = f"""
delivery_message.id = ANY(ARRAY(SELECT message_id FROM (
    SELECT message_id FROM delivery_messagerequest
    WHERE (metadata @> %s::jsonb OR metadata @> %s::jsonb) AND metadata <> '{{}}'
      AND message_id >= %s AND message_id < %s OFFSET 0) AS found
ORDER BY message_id DESC LIMIT {MOST_FOUND}))
"""
_BY_REFERENCE = f"""
delivery_message.id = ANY(ARRAY(
    SELECT message_id FROM delivery_messagerequest
    WHERE client_reference = %s AND client_reference <> '' AND message_id >= %s AND message_id < %s
    ORDER BY message_id DESC LIMIT {MOST_FOUND}))
"""


def with_metadata(
    messages: QuerySet[Message], name: str, value: str, *, first: UUID = ANYTIME, end: UUID = LATEST
) -> QuerySet[Message]:
    """Those with this pair, made between these ids. A value that reads as a number or as true matches that as well."""
    as_text = json.dumps({name: value})
    return _where(messages, _BY_METADATA, [as_text, _as_json(name, value) or as_text, first, end])


def with_reference(
    messages: QuerySet[Message], reference: str, *, first: UUID = ANYTIME, end: UUID = LATEST
) -> QuerySet[Message]:
    """Those that their caller calls so, made between these ids."""
    return _where(messages, _BY_REFERENCE, [reference, first, end])


def _where(messages: QuerySet[Message], condition: str, values: list[Any]) -> QuerySet[Message]:
    return messages.filter(RawSQL(condition, values, BooleanField()))  # noqa: S611  (one of the two above)


def _as_json(name: str, value: str) -> str | None:
    if not _literal(value):
        return None
    return json.dumps({name: json.loads(value)})
