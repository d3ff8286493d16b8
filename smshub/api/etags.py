"""Which state of a thing an answer shows (`ETag`), and changes only of that state (`If-Match`, RFC 9110, 13.1).

A tag is a digest of the whole thing as the API shows it, whichever `fields` were asked for: no writer has to keep a
version, and a change that nobody can see refuses nothing. A view names in `passing` what changes by itself, such as a
provider's health: that is left out of the tag, so `If-None-Match` is not answered there. Tags are compared without
regard to `W/`, which compression on the way puts in front of them.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from contacts.api.refusals import Refusal

#: What is answered with the thing itself, by views whose things can be changed.
_SHOWS_IT = ("retrieve", "create", "partial_update")
_CHANGES = ("PATCH", "DELETE")
_is_list = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*').fullmatch
_tags = re.compile(r'"[^"]*"').findall


class PreconditionFailed(Refusal):
    status_code = HTTPStatus.PRECONDITION_FAILED
    problem = "precondition-failed"


class PreconditionRequired(Refusal):
    status_code = HTTPStatus.PRECONDITION_REQUIRED
    problem = "precondition-required"


class BadHeader(Refusal):
    status_code = HTTPStatus.BAD_REQUEST
    problem = "validation-error"


def of(data: Any) -> str:
    """The tag of a thing as it is shown."""
    shown = json.dumps(data, cls=JSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


def tagged(view: Any, request: Request, answer: Any) -> Any:
    """The answer with its tag, where it shows one thing; empty, if the caller has that state already."""
    action = getattr(view, "action", None)
    shows_it = action == "retrieve" or (action in _SHOWS_IT and hasattr(view, "partial_update"))
    if not (shows_it and isinstance(answer, Response)) or answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return answer
    tag = of(_lasting(view, getattr(answer, "state", answer.data)))
    unchanged = action == "retrieve" and not _passing(view) and _names(request.headers.get("If-None-Match", ""), tag)
    if unchanged:
        answer = Response(status=HTTPStatus.NOT_MODIFIED)
    answer["ETag"] = tag
    return answer


def guarded(view: Any, request: Request, handler: Callable[..., Response]) -> Callable[..., Response]:
    """The handler of a change, to be run only if the thing is still in the state that `If-Match` names.

    It is locked from the look until the change is committed. Raises PreconditionRequired, BadHeader.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None:
        if settings.API_REQUIRE_IF_MATCH and request.method in _CHANGES:
            raise PreconditionRequired("Say in If-Match which state is to be changed: the ETag of your last answer.")
        return handler
    if "pk" not in view.kwargs or not hasattr(view, "retrieve"):
        raise BadHeader("If-Match belongs to requests about one thing.")
    if wanted.strip() != "*" and not _is_list(wanted):
        raise BadHeader('If-Match takes * or ETags as they came, with their quotes: "0a1b…".')

    def in_that_state(*args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            view.get_queryset().model.objects.select_for_update().filter(pk=view.kwargs["pk"]).first()
            if not _names(wanted, of(_lasting(view, _shown(view, request)))):
                raise PreconditionFailed("It has changed since: get it again, and look whether your change still fits.")
            return handler(*args, **kwargs)

    return in_that_state


def _shown(view: Any, request: Request) -> Any:
    """The thing as `retrieve` would show it."""
    action, view.action = view.action, "retrieve"
    try:
        return view.retrieve(request, **view.kwargs).data
    finally:
        view.action = action


def _passing(view: Any) -> Collection[str]:
    """Fields that change by themselves, and are no part of the state that a change is about."""
    found: Collection[str] = getattr(view, "passing", ())
    return found


def _lasting(view: Any, data: Any) -> Any:
    passing = _passing(view)
    return {name: value for name, value in data.items() if name not in passing} if passing else data


def _names(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in _tags(header)
