"""Why the API refuses: exceptions that name their kind of problem and carry facts a program can use.

They stand on the lowest floor because every floor's views raise them; `smshub.api.problems` puts them into words on
the wire.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError

from contacts.unusable import Unusable


class Refusal(APIException):
    """`problem` is the stable name of the kind of problem, `members` go beside its standard ones."""

    problem = "conflict"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.members = members


class Conflict(Refusal):
    """The request is fine, the present state of things does not allow it."""

    status_code = 409


class AlreadyExists(Conflict):
    problem = "already-exists"


class WrongState(Conflict):
    problem = "wrong-state"


class TooOften(Refusal):
    """As often as it may be done; `seconds` until it may be again."""

    status_code = 429
    problem = "too-many-requests"

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.retry_after = seconds


class Invalid(ValidationError):
    """One field is wrong: `Invalid("phone", "…")`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__({field: [message]})


@contextmanager
def of_the_room() -> Iterator[None]:
    """Whatever says by field what cannot be, raised as the API says it: by a model's own rules, or by the rooms'."""
    try:
        yield
    except Unusable as problem:
        raise Invalid(problem.field or "non_field_errors", str(problem)) from None
    except DjangoValidationError as problem:
        by_field = getattr(problem, "message_dict", {NON_FIELD_ERRORS: problem.messages})
        raise ValidationError(
            {"non_field_errors" if field == NON_FIELD_ERRORS else field: said for field, said in by_field.items()}
        ) from None


class BadParameter(ValidationError):
    """A query parameter is unknown or wrong, whatever the method."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__({parameter: [message]})


class MissingScope(PermissionDenied):
    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope {scope}.")
        self.members = {"missing_scope": scope}


def leaves(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a ValidationError says, each sentence with the path to the field that it is about."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from leaves(inner, path if name == "non_field_errors" else (*path, str(name)))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from leaves(inner, (*path, str(position)) if nested else path)
    else:
        yield path, detail


def pointer(path: tuple[str, ...]) -> str:
    """A JSON Pointer (RFC 6901) into the body; "" is the whole of it."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def complaint(path: tuple[str, ...], detail: Any) -> dict[str, str]:
    """One entry of a problem's `errors` about the body."""
    return {"pointer": pointer(path), "detail": str(detail), "code": getattr(detail, "code", None) or "invalid"}
