"""How far an import got, visible while its one transaction is still open."""

import time
from types import TracebackType
from typing import Self

import structlog
from django.db import DatabaseError, connection
from psycopg import sql

from contacts.models import ContactImport

EVERY_SECONDS = 0.5

logger = structlog.get_logger(__name__)


class Progress:
    """Writes to the import's own row over a second connection, which commits each time.

    Not the cache: the page, the API and a restarted server read one row, and it survives. The import's transaction
    leaves that row alone until its very end, so the two do not meet; should somebody else hold the row, progress
    gives way at once.
    """

    def __init__(self, import_id: int) -> None:
        self._import_id = import_id
        self._due = time.monotonic() + EVERY_SECONDS

    def __enter__(self) -> Self:
        self._connection = connection.copy()
        with self._connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def show(self, *, bytes_read: int, rows_read: int, rejected: int, now: bool = False) -> None:
        """Cheap to call often: it writes twice a second, or `now`."""
        moment = time.monotonic()
        if moment < self._due and not now:
            return
        self._due = moment + EVERY_SECONDS
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(
                    _SHOW,
                    [bytes_read, rows_read, rejected, self._import_id],
                )
        except DatabaseError as error:
            logger.warning("import progress not shown", import_id=self._import_id, error=type(error).__name__)


_SHOW = sql.SQL("UPDATE {} SET bytes_read = %s, rows_read = %s, rejected_count = %s WHERE id = %s").format(
    sql.Identifier(ContactImport._meta.db_table)
)
