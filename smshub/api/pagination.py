"""Pages by cursor: constant cost at any depth, and no row seen twice while others arrive.

Newest first by primary key, which is by age for serial numbers and for UUIDv7 alike. Nothing is ever counted.
"""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import pagination
from rest_framework.request import Request

from contacts.api.refusals import BadParameter


class CursorPagination(pagination.CursorPagination):
    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = "-pk"
    cursor_query_description = "Where to go on: follow `next` and `previous` of an answer rather than making one."
    page_size_query_description = "How many to a page, 1 to 500."

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError):
            raise BadParameter("cursor", "This is not a cursor of this list.") from None

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except Exception:
            raise BadParameter("cursor", "This is not a cursor of this list.") from None

    def get_page_size(self, request: Request) -> int:
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return self.page_size
        if not (raw.isascii() and raw.isdigit() and 1 <= int(raw[:6]) <= self.max_page_size and len(raw) < 6):
            raise BadParameter("page_size", f"Give a whole number from 1 to {self.max_page_size}.")
        return int(raw)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        for link in ("next", "previous"):
            example = f"http://localhost:8000/api/v1/…?cursor={'cD00ODY%3D' if link == 'next' else 'cj0xJnA9NDg3'}"
            page["properties"][link] = {"type": ["string", "null"], "format": "uri", "example": example}
        return page | {"required": ["next", "previous", "results"]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return parameters
