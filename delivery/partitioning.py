"""For migrations: tables that are cut by range. Postgres then wants every unique key to hold what they are cut by."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, CreateModel
from django.db.migrations.state import ProjectState


class CreatePartitionedModel(CreateModel):
    """As CreateModel, but the table only says how it is cut: rows need a partition, which `delivery.months` makes."""

    def __init__(self, name: str, fields: list[Any], options: dict[str, Any] | None = None, *, by: str) -> None:
        super().__init__(name, fields, options)
        self.by = by

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        whole = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{whole} PARTITION BY RANGE ({self.by})"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = whole


_PARTITIONS = """
SELECT child.relname, EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(%(index)s || '_' || child.relname))
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = to_regclass(%(table)s) ORDER BY 1
"""


class AddPartitionedIndex(AddIndex):
    """As AddIndex, for a table that is in use: by name on the whole, then on each partition, where no writer waits for
    it. In a migration that is not atomic; one that was cut short goes on where it was.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table, index = model._meta.db_table, self.index.name
        made = str(self.index.create_sql(model, schema_editor))
        head, on = f'CREATE INDEX "{index}" ON "{table}"', made.partition(f'ON "{table}"')[2]
        if not made.startswith(head):
            raise NotImplementedError(f"an index that is made by {made}")
        schema_editor.execute(f'CREATE INDEX IF NOT EXISTS "{index}" ON ONLY "{table}"{on}', params=None)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_PARTITIONS, {"table": table, "index": index})
            partitions = cursor.fetchall()
        for partition, done in partitions:
            own = f"{index}_{partition}"
            if not done:
                # What is there already was cut short, and is not valid.
                schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{own}"', params=None)
                schema_editor.execute(f'CREATE INDEX CONCURRENTLY "{own}" ON "{partition}"{on}', params=None)
                schema_editor.execute(f'ALTER INDEX "{index}" ATTACH PARTITION "{own}"', params=None)
