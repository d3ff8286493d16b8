"""Values to Postgres: COPY into a staging table, fold, compare, write only what differs.

All of it runs in the caller's transaction, in a number of statements that does not depend on the number of rows.
A file that was imported before is found equal and writes nothing: no row version, no `updated_at`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from django.db import connection, transaction
from psycopg import sql

from contacts.importing.rows import FIXED, Values
from contacts.models import Contact, ContactList, ImportTrace, Membership

Act = ImportTrace.Act

STAGING = sql.Identifier("contacts_import_staging")
FOLDED = sql.Identifier("contacts_import_folded")


@dataclass(frozen=True, slots=True)
class Counts:
    """What becomes of the accepted rows of a file; they add up to their number.

    `duplicates` are rows whose number stands in the file again: together they make one contact.
    """

    created: int
    updated: int
    unchanged: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What the rows that an import wrote are known by afterwards: its id, and the moment that they bear."""

    import_id: int
    at: datetime


#: A smaller import changes little about the tables; autovacuum sees to those.
_ANALYSE_FROM = 1000


def stage(rows: Iterable[tuple[int, Values]], *, attributes: Sequence[str], more: Sequence[str] = ()) -> int:
    """COPY (line, values) rows into a temporary table of this transaction; returns how many.

    `more` are columns that follow the attributes, and are no part of the contact.
    """
    columns = _columns(attributes, more)
    with connection.cursor() as cursor:
        for table in (STAGING, FOLDED):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table))
        declared = sql.SQL(", ").join(sql.SQL("{} text").format(column) for column in columns)
        cursor.execute(sql.SQL("CREATE TEMP TABLE {} (line bigint, {}) ON COMMIT DROP").format(STAGING, declared))
        count = 0
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(STAGING)) as copy:
            write = copy.write_row
            for count, (line, values) in enumerate(rows, start=1):  # noqa: B007 (read after the loop)
                write((line, *values))
    return count


def fold(*, attributes: Sequence[str], more: Sequence[str] = ()) -> int:
    """One row per number; returns how many.

    Rows of one number are folded as if they were imported one after the other: the last one wins, but an empty
    cell of it does not undo what an earlier one says.
    """
    values = _columns(attributes, more)[1:]
    fixed, further = values[: len(FIXED) - 1], values[len(FIXED) - 1 + len(attributes) :]
    last = sql.SQL(", ").join(
        sql.SQL("(array_agg({0} ORDER BY line DESC) FILTER (WHERE {0} IS NOT NULL))[1] AS {0}").format(column)
        for column in values
    )
    attributes_of = sql.SQL("jsonb_strip_nulls(jsonb_object(%s::text[], ARRAY[{}]::text[]))").format(
        sql.SQL(", ").join(values[len(fixed) : len(fixed) + len(attributes)])
    )
    query = sql.SQL(
        """
        CREATE TEMP TABLE {folded} ON COMMIT DROP AS
        WITH repeated AS MATERIALIZED (SELECT phone FROM {staging} GROUP BY phone HAVING count(*) > 1)
        SELECT phone, {fixed}, {attributes} AS attributes FROM (
            SELECT phone, {values} FROM {staging}
            WHERE NOT EXISTS (SELECT FROM repeated WHERE repeated.phone = {staging}.phone)
            UNION ALL
            SELECT phone, {last} FROM {staging} JOIN repeated USING (phone) GROUP BY phone
        ) AS once
        """
    ).format(
        folded=FOLDED,
        staging=STAGING,
        fixed=sql.SQL(", ").join([*fixed, *further]),
        values=sql.SQL(", ").join(values),
        last=last,
        attributes=attributes_of,
    )
    with connection.cursor() as cursor:
        # For the sorts and hashes of this transaction; the server's default of 4 MB would spill.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        # Autovacuum never sees temporary tables, so the planner would guess.
        cursor.execute(sql.SQL("ANALYZE {}").format(STAGING))
        cursor.execute(query, [list(attributes)])
        folded = cursor.rowcount
        cursor.execute(sql.SQL("ANALYZE {}").format(FOLDED))
    return int(folded)


# What a contact becomes: the file over the contact, the contact over what its number tells. The halves of its name go
# with a name that they are of no more.
_MERGED = """
    coalesce(f.name, c.name) AS name,
    coalesce(f.language, c.language) AS language,
    coalesce(f.time_zone, nullif(c.time_zone, ''), f.number_time_zone, '') AS time_zone,
    coalesce(f.country, nullif(c.country, ''), f.number_country, '') AS country,
    CASE WHEN f.name <> c.name THEN c.attributes - 'first_name' - 'last_name' ELSE c.attributes END || f.attributes
        AS attributes
"""
_BEFORE = """
    jsonb_build_object('name', c.name, 'language', c.language, 'time_zone', c.time_zone, 'country', c.country,
                       'attributes', c.attributes) AS before
"""
_DIFFERING = f"""
    SELECT c.id, merged.*, {_BEFORE}
    FROM {{folded}} AS f
    JOIN {{contact}} AS c ON c.phone = f.phone
    CROSS JOIN LATERAL (SELECT {_MERGED} OFFSET 0) AS merged
    WHERE (merged.name, merged.language, merged.time_zone, merged.country, merged.attributes)
        IS DISTINCT FROM (c.name, c.language, c.time_zone, c.country, c.attributes)
"""
_MISSING = "FROM {folded} AS f WHERE NOT EXISTS (SELECT FROM {contact} AS c WHERE c.phone = f.phone)"


def compare(*, staged: int, folded: int) -> Counts:
    """What `write` would do now, without a write or a lock."""
    with connection.cursor() as cursor:
        cursor.execute(_query(f"SELECT count(*) {_MISSING}"))
        created = cursor.fetchone()[0]
        cursor.execute(_query(f"SELECT count(*) FROM ({_DIFFERING}) AS differing"))
        updated = cursor.fetchone()[0]
    return Counts(created, updated, folded - created - updated, staged - folded)


def write(*, staged: int, folded: int, contact_list: ContactList | None, mark: Mark) -> Counts:
    """Create what is missing, update what differs, put everyone on the list, and leave a trace of each.

    Missing ones first: should somebody else create one meanwhile, the insert waits for them, leaves theirs alone,
    and the update, which sees it by then, merges into it. Both lock in one order, so imports cannot deadlock.
    """
    marked: dict[str, int | datetime | None] = {"import": mark.import_id, "at": mark.at, "list": None}
    if contact_list is not None:
        marked["list"] = contact_list.pk
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _query(
                f"""
                WITH added AS (
                    INSERT INTO {{contact}}
                        (phone, name, language, time_zone, country, attributes, created_at, updated_at)
                    SELECT f.phone, coalesce(f.name, ''), coalesce(f.language, ''),
                        coalesce(f.time_zone, f.number_time_zone, ''), coalesce(f.country, f.number_country, ''),
                        f.attributes, %(at)s, %(at)s
                    {_MISSING}
                    ORDER BY f.phone
                    ON CONFLICT (phone) DO NOTHING
                    RETURNING id
                )
                INSERT INTO {{trace}} (contact_id, import_id, act) SELECT id, %(import)s, {Act.ADDED} FROM added
                """
            ),
            marked,
        )
        created = cursor.rowcount
        cursor.execute(
            _query(
                f"""
                WITH differing AS MATERIALIZED ({_DIFFERING} ORDER BY c.id FOR NO KEY UPDATE OF c),
                changed AS (
                    UPDATE {{contact}} AS c SET
                        name = d.name, language = d.language, time_zone = d.time_zone, country = d.country,
                        attributes = d.attributes, updated_at = %(at)s
                    FROM differing AS d WHERE c.id = d.id
                    RETURNING c.id, d.before
                )
                INSERT INTO {{trace}} (contact_id, import_id, act, before)
                SELECT id, %(import)s, {Act.CHANGED}, before FROM changed
                """
            ),
            marked,
        )
        updated = cursor.rowcount
        if contact_list is not None:
            cursor.execute(
                _query(
                    f"""
                    WITH listed AS (
                        INSERT INTO {{membership}} (contact_list_id, contact_id, created_at)
                        SELECT %(list)s, c.id, %(at)s FROM {{folded}} AS f JOIN {{contact}} AS c ON c.phone = f.phone
                        WHERE NOT EXISTS (
                            SELECT FROM {{membership}} AS m WHERE m.contact_list_id = %(list)s AND m.contact_id = c.id
                        )
                        ORDER BY c.id
                        ON CONFLICT (contact_list_id, contact_id) DO NOTHING
                        RETURNING contact_id
                    )
                    INSERT INTO {{trace}} (contact_id, import_id, act)
                    SELECT contact_id, %(import)s, {Act.LISTED} FROM listed
                    WHERE NOT EXISTS (
                        SELECT FROM {{trace}} AS t
                        WHERE t.contact_id = listed.contact_id AND t.import_id = %(import)s AND t.act = {Act.ADDED}
                    )
                    """
                ),
                marked,
            )
        if created > _ANALYSE_FROM:
            # A launch right after the import must not be planned with the statistics of an empty table.
            cursor.execute(_query("ANALYZE {contact}, {membership}"))
    return Counts(created, updated, folded - created - updated, staged - folded)


def _columns(attributes: Sequence[str], more: Sequence[str]) -> list[sql.Identifier]:
    """A column per value. Attributes go by number: their names are the file's."""
    return [sql.Identifier(name) for name in (*FIXED, *(f"attribute_{n}" for n in range(len(attributes))), *more)]


def _query(template: LiteralString) -> sql.Composed:
    return sql.SQL(template).format(
        folded=FOLDED,
        contact=sql.Identifier(Contact._meta.db_table),
        membership=sql.Identifier(Membership._meta.db_table),
        trace=sql.Identifier(ImportTrace._meta.db_table),
    )
