"""Whoever writes messages and whoever takes a consent back, one after the other.

Without it a withdrawal could commit between a writer's look at the ledger and the writer's own commit, and would find
nothing to stop. Writers do not wait for each other; a withdrawal waits for those at work, which is a batch each, and
whoever comes after it waits for its commit. The locks belong to the transaction, so a killed process leaves none.
"""

from django.db import connection

_KEY = "hashtextextended('smshub consent ' || %s, 0)"


def keep_still(purpose: str) -> None:
    """Until the end of this transaction nobody's consent to this purpose is taken back. Before the ledger is read."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_KEY})", [purpose])


def wait_for_writers(purpose: str) -> None:
    """What writers of this purpose read the ledger for is committed; the next ones see this transaction's lines."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})", [purpose])
