"""Providers' credentials at rest: JSON in a column, sealed (`contacts.sealing`)."""

import json
from typing import Any

from django.db import models

from contacts.sealing import CannotDecrypt, seal, unseal

__all__ = ["CannotDecrypt", "EncryptedJSONField", "seal", "unseal"]


class EncryptedJSONField(models.BinaryField):  # type: ignore[type-arg]  # generic in its stubs only
    """A JSON object that is only ever sealed in the database; cannot be filtered or ordered by."""

    def _context(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def from_db_value(self, value: bytes | None, _expression: Any, _connection: Any) -> dict[str, Any]:
        return {} if not value else dict(json.loads(unseal(bytes(value), context=self._context())))

    def to_python(self, value: Any) -> Any:
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        sealed = seal(json.dumps(value or {}).encode(), context=self._context())
        return super().get_db_prep_value(sealed, connection, prepared)
