"""An import undone: what it added is taken away, what it changed is set back, and who it put on a list is taken off.

Nothing newer is lost by it. A contact that the import added stays if it was changed since, is named by something else
(an appointment, a conversation, another list), or was written to; one that it changed stays as it is if it was changed
again. Both are counted. Off the import's list they are all the same: that is what an undo is for.

Whom only this import said to want no texts may be texted again. Who has said so as well, before or since, stays opted
out, and is counted (`contacts.importing.opt_outs`).

It runs in one transaction, in a number of statements that grows with the contacts only by `BATCH`: killed, it leaves
everything as it was, and is taken up again like an import (`contacts.importing.work`).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import LiteralString

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from contacts.importing import consents, opt_outs
from contacts.importing.read import ImportProblem
from contacts.models import Contact, ContactImport, ImportTrace, Membership
from contacts.signals import contacts_leaving

Status, Act = ContactImport.Status, ImportTrace.Act

#: How long an import can be undone, and what contacts were before it is kept.
UNDO_FOR = timedelta(days=7)
#: Contacts about which the floors above are asked at once.
BATCH = 5000

_UNDONE = sql.Identifier("contacts_undone")

_ADDED = f"""
CREATE TEMP TABLE {{undone}} ON COMMIT DROP AS
WITH added AS MATERIALIZED (
    SELECT c.id, c.phone, c.updated_at FROM {{trace}} AS t JOIN {{contact}} AS c ON c.id = t.contact_id
    WHERE t.import_id = %(import)s AND t.act = {Act.ADDED}
    ORDER BY c.id FOR UPDATE OF c
)
SELECT id, phone, CASE WHEN updated_at <> %(at)s THEN 'changed' END AS kept FROM added
"""
_KEEP_NAMED = """
UPDATE {undone} AS u SET kept = 'named'
WHERE kept IS NULL AND EXISTS (SELECT FROM {table} AS r WHERE r.{column} = u.id)
"""
_KEEP_LISTED = """
UPDATE {undone} AS u SET kept = 'named'
WHERE kept IS NULL AND EXISTS (
    SELECT FROM {membership} AS m WHERE m.contact_id = u.id AND m.contact_list_id IS DISTINCT FROM %(list)s)
"""
_LEAVING = "SELECT id, phone FROM {undone} WHERE kept IS NULL AND id > %s ORDER BY id LIMIT %s"
_KEEP = "UPDATE {undone} SET kept = 'written' WHERE kept IS NULL AND id > %s AND phone = ANY(%s)"
_KEPT = "SELECT kept, count(*) FROM {undone} WHERE kept IS NOT NULL GROUP BY kept"

_GOING = "SELECT id FROM {undone} WHERE kept IS NULL"
_TAKE_AWAY = (
    f"DELETE FROM {{membership}} WHERE contact_id IN ({_GOING})",
    f"DELETE FROM {{trace}} WHERE import_id = %(import)s AND contact_id IN ({_GOING})",
    f"DELETE FROM {{contact}} WHERE id IN ({_GOING})",
)
_TAKE_OFF = f"""
DELETE FROM {{membership}} AS m USING {{trace}} AS t
WHERE t.import_id = %(import)s AND t.act IN ({Act.ADDED}, {Act.LISTED})
  AND m.contact_id = t.contact_id AND m.contact_list_id = %(list)s AND m.created_at = %(at)s
"""
_SET_BACK = f"""
WITH changed AS MATERIALIZED (
    SELECT c.id, t.before, c.updated_at = %(at)s AS is_ours
    FROM {{trace}} AS t JOIN {{contact}} AS c ON c.id = t.contact_id
    WHERE t.import_id = %(import)s AND t.act = {Act.CHANGED}
    ORDER BY c.id FOR NO KEY UPDATE OF c
), back AS (
    UPDATE {{contact}} AS c SET
        name = before ->> 'name', language = before ->> 'language', time_zone = before ->> 'time_zone',
        country = before ->> 'country', attributes = before -> 'attributes', updated_at = statement_timestamp()
    FROM changed WHERE c.id = changed.id AND is_ours
    RETURNING c.id
)
SELECT (SELECT count(*) FROM back), (SELECT count(*) FROM changed WHERE NOT is_ours)
"""
_FORGET = "UPDATE {trace} SET before = NULL WHERE import_id = %(import)s AND before IS NOT NULL"


def is_possible(upload: ContactImport) -> bool:
    return upload.status == Status.DONE and upload.undo_until is not None and upload.undo_until > timezone.now()


def start(upload: ContactImport, *, actor: User | None) -> None:
    """Mark a finished import as being undone; whoever calls wakes a worker. Raises ImportProblem where it cannot be."""
    with transaction.atomic():
        current = ContactImport.objects.select_for_update().get(pk=upload.pk)
        if current.status != Status.DONE:
            raise ImportProblem(_("Only a finished import can be undone."))
        if not is_possible(current):
            raise ImportProblem(_("This import can no longer be undone: that is possible for seven days."))
        ContactImport.objects.filter(pk=upload.pk).update(status=Status.UNDOING, undone_by=actor, error="")
        upload.refresh_from_db()


def undo(upload: ContactImport) -> dict[str, int]:
    """Do it, in the caller's transaction, which has locked the import. Returns what became of how many.

    `removed`, `restored` and `unlisted` are contacts; `kept_changed`, `kept_named` and `kept_written` stayed, for that
    reason; `kept_newer` had been changed by the import and again since. `consents` are lines that take one back.
    `opt_outs` are numbers that may be texted again, `kept_opt_outs` those of which not this import alone says whether.
    """
    marked = {"import": upload.pk, "at": upload.written_at, "list": upload.contact_list_id}
    with connection.cursor() as cursor:
        cursor.execute(_query("DROP TABLE IF EXISTS pg_temp.{undone}"))
        cursor.execute(_query(_ADDED), marked)
        cursor.execute(_query("CREATE UNIQUE INDEX ON {undone} (id)"))
        cursor.execute(_query("ANALYZE {undone}"))
        for table, column in _relations():
            cursor.execute(
                sql.SQL(_KEEP_NAMED).format(undone=_UNDONE, table=sql.Identifier(table), column=sql.Identifier(column))
            )
        cursor.execute(_query(_KEEP_LISTED), marked)
        for after, phones in _leaving():
            told = contacts_leaving.send(sender=Contact, phones=phones, since=upload.written_at)
            stay = {phone for _receiver, wanted in told for phone in wanted or ()}
            cursor.execute(_query(_KEEP), [after, sorted(stay)])
        cursor.execute(_query(_KEPT))
        counts = {f"kept_{why}": number for why, number in cursor.fetchall()}
        for statement in _TAKE_AWAY:
            cursor.execute(_query(statement), marked)
        counts["removed"] = cursor.rowcount
        cursor.execute(_query(_TAKE_OFF), marked)
        counts["unlisted"] = cursor.rowcount
        cursor.execute(_query(_SET_BACK), marked)
        counts["restored"], counts["kept_newer"] = cursor.fetchone()
        cursor.execute(_query(_FORGET), marked)
    counts["consents"] = consents.take_back(upload)
    counts["opt_outs"] = opt_outs.take_back(upload, actor=upload.undone_by)
    counts["kept_opt_outs"] = max(0, upload.opted_out_count - counts["opt_outs"])
    return {what: number for what, number in counts.items() if number}


def forget_old() -> int:
    """What contacts were before an import is kept no longer than it can be undone. For a tick; returns how many."""
    forgotten = 0
    due = ContactImport.objects.filter(status=Status.DONE, undo_until__lte=timezone.now())
    for upload in due.order_by("pk")[:20]:
        with transaction.atomic(), connection.cursor() as cursor:
            if due.select_for_update(skip_locked=True).filter(pk=upload.pk).update(undo_until=None):
                cursor.execute(_query(_FORGET), {"import": upload.pk})
                forgotten += 1
    return forgotten


def _relations() -> Iterator[tuple[str, str]]:
    """Tables of every floor that name a contact, by the column; memberships and traces are looked at apart."""
    for relation in Contact._meta.related_objects:
        if relation.one_to_many and relation.related_model not in (Membership, ImportTrace):
            yield relation.related_model._meta.db_table, relation.field.attname


def _leaving() -> Iterator[tuple[int, list[str]]]:
    """The numbers of contacts that are about to go, in batches, each with the id that it begins after."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_query(_LEAVING), [after, BATCH])
            found = cursor.fetchall()
        if not found:
            return
        yield after, [phone for _pk, phone in found]
        after = found[-1][0]


def _query(template: LiteralString) -> sql.Composed:
    return sql.SQL(template).format(
        undone=_UNDONE,
        contact=sql.Identifier(Contact._meta.db_table),
        membership=sql.Identifier(Membership._meta.db_table),
        trace=sql.Identifier(ImportTrace._meta.db_table),
    )
