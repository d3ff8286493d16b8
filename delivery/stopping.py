"""Messages that are not to be sent because of whom they are to: found at the claim, or as soon as somebody says so."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from contacts import digests
from delivery.errors import Suppressed
from delivery.inbound import exemption
from delivery.states import CONCLUSIVE, UNCLAIMED, Status, sql_in

#: Parts of the claim, about its message (m). Why its recipient must not be texted: by anybody, or by its own sender.
STOPPED = f"""SELECT reason FROM contacts_suppression AS s
    WHERE s.phone = m.recipient AND s.lifted_at IS NULL
      AND (s.scope = '' OR s.scope = (SELECT address FROM delivery_sender AS own WHERE own.id = m.sender_id))
      AND NOT {exemption.SQL}
    ORDER BY s.scope LIMIT 1"""
#: The same of somebody whose number is gone, by its digest; only for where there is a key, which is where anybody was
#: ever erased.
ERASED = f"""(SELECT reason FROM contacts_suppression AS gone
    WHERE gone.digest = {digests.DIGEST_SQL.format(phone="m.recipient")} AND gone.digest IS NOT NULL
      AND gone.lifted_at IS NULL AND gone.scope = '' LIMIT 1)"""

# By the recipients' index. What is being claimed is passed over: the claim has decided.
_SUPPRESS = f"""
UPDATE delivery_message SET status = '{Status.SUPPRESSED}', reason = '{Suppressed.NO_CONSENT}', waits_for = '',
    final_at = statement_timestamp()
WHERE id = ANY(ARRAY(SELECT id FROM {{theirs}} AND status IN {sql_in(UNCLAIMED)} ORDER BY id FOR UPDATE SKIP LOCKED))
"""
# Whatever would try the rest again, by itself or at the press of a button, looks at how long it is valid.
_LAST_TRY = f"""
UPDATE delivery_message SET valid_until = statement_timestamp()
WHERE id = ANY(ARRAY(SELECT id FROM {{theirs}} AND status NOT IN {sql_in(CONCLUSIVE)}
    AND (valid_until IS NULL OR valid_until > statement_timestamp()) ORDER BY id FOR UPDATE))
"""
_THEIRS = """delivery_message AS m WHERE recipient = ANY(%(phones)s::text[])
    AND (campaign_id = ANY(%(campaigns)s::bigint[]) OR id = ANY(%(ids)s::uuid[]))
    AND (%(scope)s = '' OR %(scope)s = (SELECT address FROM delivery_sender AS s WHERE s.id = m.sender_id))"""
_CANCEL = f"""
UPDATE delivery_message SET status = '{Status.CANCELLED}', waits_for = '', final_at = statement_timestamp()
WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_message WHERE recipient = %(phone)s AND status IN {sql_in(UNCLAIMED)}
    ORDER BY id FOR UPDATE SKIP LOCKED))
"""


def withdraw(
    *, phones: Sequence[str], campaign_ids: Sequence[int] = (), message_ids: Sequence[UUID] = (), scope: str = ""
) -> int:
    """Of these campaigns and messages nothing more goes to these numbers, by the sender of that address or ("") by any.

    What waits is suppressed; what is under way is not tried another time. Returns how many were suppressed.
    """
    if not phones or not (campaign_ids or message_ids):
        return 0
    values: dict[str, Any] = {
        "phones": list(phones),
        "campaigns": list(campaign_ids),
        "ids": list(message_ids),
        "scope": scope,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUPPRESS.format(theirs=_THEIRS), values)
        suppressed = int(cursor.rowcount)
        cursor.execute(_LAST_TRY.format(theirs=_THEIRS), values)
    return suppressed


def cancel_all(phone: str) -> int:
    """Cancel whatever waits for this number. Returns how many messages that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CANCEL, {"phone": phone})
        return int(cursor.rowcount)
