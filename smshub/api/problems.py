"""Every refusal in one form: problem details (RFC 9457), `application/problem+json`.

`type` is stable and meant for programs; `detail` is for people and may change. docs/api.md lists the types.
"""

import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.signals import got_request_exception
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.views import set_rollback

from contacts.api.refusals import AlreadyExists, BadParameter, Conflict, Invalid, Refusal, TooOften, complaint, leaves

CONTENT_TYPE = "application/problem+json"

logger = structlog.get_logger(__name__)

#: Kind of problem: its title. The address is `/problems/<kind>`.
TITLES: dict[str, str] = {
    "validation-error": "Some of what was sent is not valid",
    "malformed-body": "The body cannot be read",
    "authentication-required": "An API key is needed",
    "invalid-key": "The API key is not valid",
    "address-not-allowed": "The API key is not for this address",
    "missing-scope": "The API key lacks a scope",
    "forbidden": "Not allowed",
    "not-found": "There is nothing here",
    "method-not-allowed": "This cannot be done here",
    "not-acceptable": "Answers are JSON",
    "conflict": "The present state does not allow it",
    "already-exists": "It exists already",
    "campaign-refused": "The campaign cannot do this",
    "wrong-state": "Its status does not allow it",
    "precondition-failed": "It has changed meanwhile",
    "precondition-required": "It is not said which state is to be changed",
    "length-required": "The length of the body is missing",
    "body-too-large": "The body is too large",
    "unsupported-media-type": "This kind of body is not understood",
    "idempotency-key-reused": "The idempotency key belongs to another request",
    "idempotency-key-in-use": "The same request is being worked on",
    "too-many-requests": "Too many requests",
    "unfinished": "Some of it is done, the rest is not",
    "internal-error": "Something went wrong here",
}

_KINDS: dict[type[Exception], str] = {
    exceptions.ValidationError: "validation-error",
    exceptions.ParseError: "malformed-body",
    exceptions.NotAuthenticated: "authentication-required",
    exceptions.AuthenticationFailed: "invalid-key",
    exceptions.PermissionDenied: "forbidden",
    exceptions.NotFound: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.Throttled: "too-many-requests",
}


def problem(kind: str, status: int, detail: str, **members: Any) -> dict[str, Any]:
    """The members of a problem document, with the id of the request for whoever looks into the logs."""
    document = {"type": f"/problems/{kind}", "title": TITLES[kind], "status": status, "detail": detail, **members}
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return document | ({"request_id": request_id} if request_id else {})


def handle(exc: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's EXCEPTION_HANDLER."""
    set_rollback()
    error = _translate(exc)
    if error is None:
        return _internal(exc, context)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None) or getattr(exc, "retry_after", None):
        headers["Retry-After"] = str(math.ceil(wait))
    members = dict(getattr(error, "members", {}))
    if isinstance(error, exceptions.ValidationError):
        errors = list(_errors(error, context))
        members["errors"] = errors
        detail = errors[0]["detail"] if len(errors) == 1 else f"{len(errors)} things are wrong; see errors."
    else:
        detail = str(error.detail)
    document = problem(_kind(error), error.status_code, detail, **members)
    return Response(document, status=error.status_code, headers=headers, content_type=CONTENT_TYPE)


def _translate(exc: Exception) -> exceptions.APIException | None:
    """What Django itself raises, as the exception of the framework that says the same; None for a fault of ours."""
    match exc:
        case exceptions.APIException():
            return exc
        case Http404():
            return exceptions.NotFound("There is nothing with this id.")
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return BodyTooLarge("The body is larger than this address takes.")
        case TooManyFieldsSent() | TooManyFilesSent() | MultiPartParserError():
            return exceptions.ParseError("The form cannot be read.")
        case ProtectedError() | RestrictedError():
            return Conflict("Something else still needs it.")
        case IntegrityError():
            return _of_integrity(exc)
    return None


def _of_integrity(exc: IntegrityError) -> exceptions.APIException | None:
    """Two requests at once, which the checks before could not see."""
    match getattr(exc.__cause__, "sqlstate", None):
        case "23505":
            return AlreadyExists("Somebody else has just made one like it.")
        case "23503":
            return Conflict("Something this refers to has just been removed.")
    return None


class BodyTooLarge(Refusal):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = "body-too-large"


class LengthRequired(Refusal):
    status_code = HTTPStatus.LENGTH_REQUIRED
    problem = "length-required"


class TooManyRequests(TooOften):
    """The key's quota is used up for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"This API key has made as many requests as it may. Wait {math.ceil(seconds)} seconds.", seconds
        )


def _kind(error: exceptions.APIException) -> str:
    if isinstance(error, Refusal):
        return error.problem
    if hasattr(error, "members"):
        return "missing-scope"
    return next((kind for cls, kind in _KINDS.items() if isinstance(error, cls)), "conflict")


def _errors(error: exceptions.ValidationError, context: dict[str, Any]) -> Iterator[dict[str, str]]:
    request = context.get("request")
    of_query = isinstance(error, BadParameter) or (
        not isinstance(error, Invalid) and request is not None and request.method in SAFE_METHODS
    )
    for path, detail in leaves(error.detail):
        said = complaint(path, detail)
        if of_query and path:
            yield {"parameter": path[0], "detail": said["detail"], "code": said["code"]}
        else:
            yield said


def _internal(exc: Exception, context: dict[str, Any]) -> Response:
    # The framework swallows what it handles: tell Django's listeners (error trackers, the test client) ourselves.
    request = getattr(context.get("request"), "_request", None)
    got_request_exception.send(sender=type(context.get("view")), request=request)
    logger.error("api_error", exc_info=exc)
    document = problem("internal-error", 500, "The request could not be completed. Nothing of it was done.")
    return Response(document, status=500, content_type=CONTENT_TYPE)
