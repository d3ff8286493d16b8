"""Who was written to, or wrote, since a moment: what keeps a contact that would otherwise be taken away again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from delivery.ids import first_id

#: A campaign's ids are of the moment of its launch, and its audience is written down a little later.
_EARLIER = -timedelta(hours=1)

_SINCE = """
SELECT recipient FROM delivery_message WHERE recipient = ANY(%(phones)s) AND id >= %(first)s
UNION SELECT phone FROM delivery_inbound WHERE phone = ANY(%(phones)s) AND id >= %(first)s
"""


def among(phones: Sequence[str], *, since: datetime) -> set[str]:
    """Those of some thousand numbers that have a message or a text since then, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, {"phones": list(phones), "first": first_id(since, _EARLIER)})
        return {phone for (phone,) in cursor.fetchall()}


def on_leaving(*, phones: Sequence[str], since: datetime, **_: Any) -> set[str]:
    return among(phones, since=since)
