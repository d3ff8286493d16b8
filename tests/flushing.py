"""Emptying the tables after a test that committed, in a quarter of the time that Django takes for it.

There is little in them: to delete that is quicker than to give each table, each of its partitions and all their indexes
new files. And what migrations fill in by themselves (permissions, roles, months) is left alone where no test has
touched it; where one has, all goes and is filled in anew, as Django does each time.
"""

from collections.abc import Iterable

import pytest
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from delivery.models import AllowedHours

#: What receivers of `post_migrate` write. A row that was changed and changed back has another xmin.
FILLED_IN = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions", "delivery_month")

#: From these nothing can be deleted. The log comes last: what is deleted from other tables stands in it.
LEDGERS = ("contacts_consentevent", "audit_entry")
_LEDGER = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM {table}) THEN TRUNCATE {table}; END IF;
END $$
"""
_PRINT = " UNION ALL ".join(
    f"SELECT count(*), sum(hashtextextended(kept::text || kept.xmin::text, 0)) FROM {table} AS kept"
    for table in FILLED_IN
)
_emit = flush.emit_post_migrate_signal


class Flushing:
    def __init__(self) -> None:
        self._known: list[tuple[object, ...]] | None = None
        self._untouched = False
        self._seeds: list[AllowedHours] = []
        self._seeds_are_gone = False

    def sql_flush(self, _self: object, _style: object, tables: Iterable[str], **_options: object) -> list[str]:
        # Foreign keys are looked at when all is gone.
        self._untouched = self._known is not None and _fingerprint() == self._known
        kept = FILLED_IN if self._untouched else ()
        emptied = sorted(set(tables).difference(kept), key=LEDGERS.__contains__)
        return ["; ".join(_emptied(table) for table in emptied)]

    def fill_in(self, verbosity: int, interactive: bool, db: str) -> None:
        self._seeds_are_gone = True
        if not self._untouched:
            _emit(verbosity, interactive, db)
            self._known = _fingerprint()

    def remember_seeds(self) -> None:
        """What migrations wrote, which is gone once all tables were emptied."""
        self._seeds = list(AllowedHours.objects.all())

    def bring_seeds_back(self) -> None:
        """For a test that leaves the database as it is: such tests may come after some that have emptied it."""
        if self._seeds_are_gone:
            AllowedHours.objects.bulk_create(self._seeds, ignore_conflicts=True)
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE audit_entry")  # it was empty, and now says that they were brought back
            self._seeds_are_gone = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(DatabaseOperations, "sql_flush", lambda *args, **options: self.sql_flush(*args, **options))
        patch.setattr(flush, "emit_post_migrate_signal", self.fill_in)


#: That of this process.
flushing = Flushing()


def _emptied(table: str) -> str:
    return _LEDGER.format(table=table) if table in LEDGERS else f'DELETE FROM "{table}"'


def _fingerprint() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_PRINT)
        return list(cursor.fetchall())
