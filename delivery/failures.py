"""What failed of late, by provider and code: the newest failures within a range of ids, a bounded number of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from delivery.ids import LATEST, IdRange, first_id
from delivery.models import TEST_PROVIDER
from delivery.states import Status

FAILED = (Status.FAILED, Status.UNDELIVERED, Status.EXPIRED)
#: Messages that are looked at for each of these statuses.
MOST = 300
#: Different (provider, reason, code) that are told.
MOST_KINDS = 30

_OF_STATUS = """
(SELECT provider_id, status, reason, error_code, final_at FROM delivery_message
 WHERE status = '{status}' AND id BETWEEN %(lowest)s AND %(highest)s ORDER BY status, id DESC LIMIT %(most)s)
"""
# A failure that waits for another attempt is none yet, and has no final status.
_LATEST = f"""
SELECT provider_id, status, reason, error_code, count(*), max(final_at)
FROM ({" UNION ALL ".join(_OF_STATUS.format(status=status) for status in FAILED)}) AS newest
WHERE provider_id IS DISTINCT FROM {TEST_PROVIDER}
GROUP BY provider_id, status, reason, error_code
ORDER BY max(final_at) DESC NULLS LAST, count(*) DESC LIMIT {MOST_KINDS}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    provider_id: int | None
    status: Status
    reason: str
    code: str
    """The provider's own; empty: none."""
    messages: int
    """Among those that were looked at."""
    last_at: datetime | None


def latest(ids: IdRange, *, most: int = MOST) -> list[Kind]:
    """Kinds of failures, the latest first. Of each status the `most` highest ids are looked at."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, {"lowest": ids.lowest, "highest": ids.highest, "most": most})
        return [
            Kind(provider_id, Status(status), reason, code, messages, last_at)
            for provider_id, status, reason, code, messages, last_at in cursor.fetchall()
        ]


def since(at: datetime) -> IdRange:
    """Messages that were written, or whose campaign was launched, from then on."""
    return IdRange(first_id(at), LATEST)
