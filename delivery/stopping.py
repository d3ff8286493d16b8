"""Messages that are not to be sent because of whom they are to: found at the claim, or as soon as somebody says so."""

from collections.abc import Sequence

from django.db import connection, transaction

from contacts import digests
from delivery.errors import Suppressed
from delivery.inbound import exemption
from delivery.states import UNCLAIMED, Status, sql_in

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
WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_message AS m
    WHERE recipient = ANY(%(phones)s::text[]) AND status IN {sql_in(UNCLAIMED)}
      AND campaign_id = ANY(%(campaigns)s::bigint[])
      AND (%(scope)s = '' OR %(scope)s = (SELECT address FROM delivery_sender AS s WHERE s.id = m.sender_id))
    ORDER BY id FOR UPDATE SKIP LOCKED))
"""
_CANCEL = f"""
UPDATE delivery_message SET status = '{Status.CANCELLED}', waits_for = '', final_at = statement_timestamp()
WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_message WHERE recipient = %(phone)s AND status IN {sql_in(UNCLAIMED)}
    ORDER BY id FOR UPDATE SKIP LOCKED))
"""


def suppress_queued(*, phones: Sequence[str], campaign_ids: Sequence[int], scope: str = "") -> int:
    """Of these campaigns nothing more goes to these numbers, by the sender of that address or ("") by any.

    Returns how many messages that were.
    """
    if not phones or not campaign_ids:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, {"phones": list(phones), "campaigns": list(campaign_ids), "scope": scope})
        return int(cursor.rowcount)


def cancel_all(phone: str) -> int:
    """Cancel whatever waits for this number. Returns how many messages that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CANCEL, {"phone": phone})
        return int(cursor.rowcount)
