"""Who is on which list. `ContactList.size` follows by a trigger; an instance in hand shows it after a refresh."""

from collections.abc import Sequence

from django.db import connection, transaction
from psycopg import sql

from contacts.models import Contact, ContactList, Membership

# Both in the order of ids, so that callers who share contacts wait for each other and never deadlock.
_NAMES = {
    "membership": sql.Identifier(Membership._meta.db_table),
    "contact": sql.Identifier(Contact._meta.db_table),
}
_ADD = sql.SQL(
    """
    INSERT INTO {membership} (contact_list_id, contact_id, created_at)
    SELECT %s, id, now() FROM {contact} WHERE id = ANY(%s::bigint[]) ORDER BY id
    ON CONFLICT (contact_list_id, contact_id) DO NOTHING
    """
).format(**_NAMES)
_REMOVE = sql.SQL(
    """
    WITH leaving AS MATERIALIZED (
        SELECT id FROM {membership} WHERE contact_list_id = %s AND contact_id = ANY(%s::bigint[])
        ORDER BY contact_id FOR UPDATE
    )
    DELETE FROM {membership} WHERE id IN (SELECT id FROM leaving)
    """
).format(**_NAMES)


def add(*, contact_list: ContactList, contact_ids: Sequence[int]) -> int:
    """Put contacts on a list; returns how many were not on it. Ids without a contact are passed over."""
    return _change(_ADD, contact_list, contact_ids)


def remove(*, contact_list: ContactList, contact_ids: Sequence[int]) -> int:
    """Take contacts off a list; returns how many were on it. The contacts stay."""
    return _change(_REMOVE, contact_list, contact_ids)


def _change(query: sql.Composed, contact_list: ContactList, contact_ids: Sequence[int]) -> int:
    if not contact_ids:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, [contact_list.pk, list(contact_ids)])
        return int(cursor.rowcount)
