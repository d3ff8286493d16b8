"""For migrations: tables that are cut by range. Postgres then wants every unique key to hold what they are cut by."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
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
