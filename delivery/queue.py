"""The queue's clockwork: what is due, and who is woken for it. Called every second; each look is an index probe."""

import time

from django.db import connection

from delivery import clock, uncertain, wake
from delivery.states import ASKABLE, Status, sql_in
from delivery.timerules import places, release

#: Of the second between two ticks.
PROMOTE_SECONDS = 0.6

# In the order of an index and LIMIT 1, rather than EXISTS: with statistics from before the queue was drained the
# planner would look for what is no longer there by reading the whole table.
_WORK = f"""
SELECT provider.id,
       (SELECT true FROM delivery_message WHERE provider_id = provider.id AND status = '{Status.QUEUED}'
        ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1),
       (SELECT true FROM delivery_message WHERE status IN {sql_in(ASKABLE)} AND ask_at <= %(now)s
          AND provider_id = provider.id ORDER BY ask_at LIMIT 1)
FROM delivery_provider AS provider WHERE enabled
"""

_RECEIPTS = "SELECT true FROM delivery_inboxreceipt WHERE try_at <= %(now)s ORDER BY try_at LIMIT 1"


def promote(*, limit: int = 5000, seconds: float = PROMOTE_SECONDS) -> int:
    """Held messages whose time has come may be claimed, unless a time rule says later. Returns how many were due.

    Goes on page by page for about so many seconds: a campaign that waited for the morning is a million of them.
    """
    until, due = time.monotonic() + seconds, 0
    while page := release.release(limit=limit):
        due += page
        if page < limit or time.monotonic() > until:
            break
    return due


def tick() -> None:
    """Promote what is due, sweep ended leases, and wake whoever has work."""
    if places.move_on():
        release.hold_shut()
    promote()
    uncertain.sweep_leases()
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_WORK, {"now": now})
        work = cursor.fetchall()
        cursor.execute(_RECEIPTS, {"now": now})
        receipts = cursor.fetchone()
    for provider_id, to_send, to_ask in work:
        if to_send:
            wake.dispatch(provider_id)
        if to_ask:
            wake.ask(provider_id)
    if receipts:
        wake.reconcile()
