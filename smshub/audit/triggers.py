"""The triggers that write what changed, made from `tables` after every migration.

So no way to a table leads past the log: not the admin, not a bulk UPDATE, not a shell. A table that was taken out of
`tables` loses its trigger.
"""

from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from smshub.audit.tables import Followed, followed

_NAME = "audit_change"
_READY = "SELECT to_regproc('audit_change') IS NOT NULL"
_PRESENT = """
SELECT tgrelid::regclass::text, obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgname = %s
"""
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ANY(%s)"
)


def missing() -> list[str]:
    """Tables that are to be followed, and are without their trigger or have another one."""
    with connection.cursor() as cursor:
        present = _present(cursor)
    return sorted(table for table, definition in _wanted().items() if present.get(table) != definition)


def sync() -> None:
    """Make the triggers what the table says. Idempotent; a table that is not migrated yet comes next time."""
    wanted = _wanted()
    with connection.cursor() as cursor:
        cursor.execute(_READY)
        if not cursor.fetchone()[0]:
            return
        present = _present(cursor)
        cursor.execute(_TABLES, [list(wanted)])
        there = {name for (name,) in cursor.fetchall()}
        for table in present.keys() - wanted.keys():
            cursor.execute(f'DROP TRIGGER {_NAME} ON "{table}"')
        for table, definition in wanted.items():
            if table in there and present.get(table) != definition:
                with transaction.atomic():
                    cursor.execute(definition)
                    cursor.execute(f'COMMENT ON TRIGGER {_NAME} ON "{table}" IS %s', [definition])


def after_migrate(**_: Any) -> None:
    """For `post_migrate` of the last app, when every table there is exists."""
    sync()


def _wanted() -> dict[str, str]:
    return {one.table: _definition(one) for one in followed()}


def _present(cursor: CursorWrapper) -> dict[str, str]:
    cursor.execute(_PRESENT, [_NAME])
    return dict(cursor.fetchall())


def _definition(one: Followed) -> str:
    arguments = (one.subject, one.key, ",".join(one.shown), ",".join(one.silent))
    return (
        f'CREATE OR REPLACE TRIGGER {_NAME} AFTER INSERT OR UPDATE OR DELETE ON "{one.table}" FOR EACH ROW'
        + (f" WHEN ({one.by})" if one.by else "")
        + f" EXECUTE FUNCTION {_NAME}({', '.join(map(_quoted, arguments))})"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
