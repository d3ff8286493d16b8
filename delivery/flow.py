"""How much goes through, minute by minute: from the counts that health is judged by, which are kept for a day.

A refusal for speed is no attempt there (`delivery.routing.health`), so these are answers, not requests.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# One stretch of an index for each provider, of at most a row for every few seconds once deltas are folded.
_MINUTES = """
SELECT provider_id, date_bin('1 minute', at, 'epoch'::timestamptz) AS minute,
       sum(attempts), sum(errors), sum(taken), sum(heard)
FROM delivery_healthcount WHERE provider_id = ANY(%(providers)s) AND at >= %(since)s
GROUP BY provider_id, minute ORDER BY minute, provider_id
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """Of one provider: attempts that were answered, or given up as in doubt."""

    provider_id: int
    at: datetime
    """Its begin."""
    attempts: int
    errors: int
    """Attempts that failed by the provider's fault, by its answer or by a receipt."""
    taken: int
    """Accepted."""
    heard: int
    """Of these, a receipt came in time (`HEALTH_RECEIPT_LATE_SECONDS`)."""


def minutes(provider_ids: Collection[int], since: datetime) -> list[Minute]:
    """The minutes since then in which anything happened, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, {"providers": list(provider_ids), "since": since})
        return [
            Minute(provider_id, at, int(attempts), int(errors), int(taken), int(heard))
            for provider_id, at, attempts, errors, taken, heard in cursor.fetchall()
        ]
