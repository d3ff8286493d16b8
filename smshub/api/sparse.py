"""Of an answer only the fields that were asked for: `?fields=id,status`."""

from collections.abc import Collection
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import did_you_mean
from contacts.api.refusals import BadParameter

PARAMETER = "fields"


def trimmed(request: Request, answer: Any) -> Any:
    """The answer, its thing or the things of its page cut down. Raises BadParameter for a field they do not have."""
    asked = request.query_params.get(PARAMETER)
    if asked is None or getattr(answer, "data", None) is None:
        if asked is not None and not isinstance(answer, Response):
            raise BadParameter(PARAMETER, "What is answered here has no fields.")
        return answer
    names = [name.strip() for name in asked.split(",")]
    page = isinstance(answer.data, dict) and "results" in answer.data and "next" in answer.data
    things = answer.data["results"] if page else answer.data
    _check(names, _known(things))
    if page:
        answer.data = answer.data | {"results": [_cut(thing, names) for thing in things]}
    else:
        answer.data = _cut(things, names)
    return answer


def _known(things: Any) -> Collection[str]:
    """The names that there are, also where a page is empty: its serializer knows them."""
    serializer = getattr(things, "serializer", None)
    fields = getattr(getattr(serializer, "child", serializer), "fields", None)
    return list(fields if fields is not None else things)


def _check(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise BadParameter(PARAMETER, f"There is no field “{name}”.{did_you_mean(name, known)}")


def _cut(thing: Any, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name in names}
