"""Answers that the API remembers for an Idempotency-Key: those that name an erased number lose what they say."""

from django.db import connection

#: Answers that one transaction looks through.
BATCH = 2000

_UPTO = """
SELECT max(id) FROM (SELECT id FROM api_idempotencyrecord WHERE id > %(after)s ORDER BY id LIMIT %(size)s) AS stretch
"""
_ERASE = """
UPDATE api_idempotencyrecord SET body = '{"erased": true}'
WHERE id > %(after)s AND id <= %(upto)s AND position(%(phone)s IN body::text) > 0
"""


def erase_batch(phone: str, after: int) -> tuple[int, int]:
    """Of the answers behind this id: how far it came, and how many named the number. No further: there are no more."""
    with connection.cursor() as cursor:
        cursor.execute(_UPTO, {"after": after, "size": BATCH})
        (upto,) = cursor.fetchone()
        if upto is None:
            return after, 0
        cursor.execute(_ERASE, {"after": after, "upto": upto, "phone": phone})
        return int(upto), int(cursor.rowcount)
