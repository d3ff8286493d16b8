"""Postgres: there, new enough, migrated, and able to clean up after us."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from contacts.wording import figure
from smshub.doctor.findings import Finding, problem, warning

OLDEST_VERSION = 15
#: Tables whose rows are changed several times each, or live for seconds; of partitioned ones each partition counts.
HOT = ("delivery_message", "delivery_messageevent", "delivery_inboxreceipt", "delivery_tally", "delivery_attempt")
#: Dead rows beyond this many, and beyond this part of the living, are more than autovacuum's usual lag.
DEAD_ROWS = 50_000
DEAD_SHARE = 0.2

_TABLES = """
SELECT stat.relname, stat.n_dead_tup, stat.n_live_tup,
       current_setting('autovacuum')::bool
       AND NOT coalesce('autovacuum_enabled=false' = ANY(class.reloptions)
                        OR 'autovacuum_enabled=off' = ANY(class.reloptions), false)
FROM pg_stat_user_tables AS stat JOIN pg_class AS class ON class.oid = stat.relid
LEFT JOIN pg_inherits AS part ON part.inhrelid = class.oid LEFT JOIN pg_class AS whole ON whole.oid = part.inhparent
WHERE stat.schemaname = current_schema() AND class.relkind = 'r' AND COALESCE(whole.relname, class.relname) = ANY(%s)
ORDER BY stat.relname
"""

# What keeps vacuum from removing rows that died since: open transactions, prepared ones, idle replication slots.
_HOLDERS = """
SELECT format('Process %s (%s) has had a transaction open', pid, coalesce(nullif(application_name, ''), 'unnamed')),
       extract(epoch FROM clock_timestamp() - xact_start)::float,
       'If it is an import it ends by itself; else SELECT pg_terminate_backend(' || pid || ').'
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR state LIKE 'idle in transaction%')
UNION ALL
SELECT format('A prepared transaction (%s) has been open', gid),
       extract(epoch FROM clock_timestamp() - prepared)::float, 'End it by ROLLBACK PREPARED; nothing here makes any.'
FROM pg_prepared_xacts WHERE database = current_database()
"""


def answers(database: BaseDatabaseWrapper = connection) -> Iterator[Finding]:
    try:
        database.ensure_connection()
    except OperationalError as error:
        first, *_rest = str(error).strip().splitlines() or [""]
        yield problem(
            _("Postgres does not answer (%(error)s).") % {"error": first}, _("Start it, or correct DATABASE_URL.")
        )


def version(oldest: int = OLDEST_VERSION) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (present,) = cursor.fetchone()
    if present < oldest:
        yield problem(
            _("This is Postgres %(version)s.") % {"version": present},
            _("Move the data to Postgres %(oldest)s or newer.") % {"oldest": oldest},
        )


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        yield problem(
            _("The database is %(migrations)s migrations behind the code.") % {"migrations": missing},
            _("Run: python manage.py migrate"),
        )


def vacuum(dead_rows: int = DEAD_ROWS) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [list(HOT)])
        tables = cursor.fetchall()
    for table, dead, living, automatic in tables:
        if not automatic:
            yield problem(
                _("Autovacuum is off for %(table)s: it grows without end, and claiming gets slower.")
                % {"table": table},
                _("Set autovacuum=on, or: ALTER TABLE %(table)s RESET (autovacuum_enabled)") % {"table": table},
            )
        if dead > dead_rows and dead > living * DEAD_SHARE:
            yield warning(
                _("%(table)s has %(dead)s dead rows beside %(living)s living ones: autovacuum does not keep up.")
                % {"table": table, "dead": figure(dead), "living": figure(living)},
                _("See that no transaction stays open; VACUUM %(table)s; give autovacuum a higher cost limit.")
                % {"table": table},
            )


def long_transactions(longest: timedelta = timedelta(minutes=30)) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS)
        holders = cursor.fetchall()
    for what, seconds, what_to_do in holders:
        if seconds is not None and seconds >= longest.total_seconds():
            yield warning(
                _("%(what)s for %(minutes)s minutes: vacuum can clean up nothing since.")
                % {"what": what, "minutes": figure(seconds / 60, 0)},
                what_to_do,
            )
