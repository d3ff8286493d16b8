"""Many messages of one request: each is read by itself, and has an answer of its own.

A chunk at a time: what it refers to is read once, its messages are written by one INSERT.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rest_framework.exceptions import ValidationError

from campaigns import sending
from campaigns.api.many import DefaultsSerializer, known, merged, reader
from campaigns.api.sending import wanted
from campaigns.sending import Wanted
from contacts.api.refusals import complaint, leaves
from delivery import submit
from delivery.submitting.drafts import SubmitError
from delivery.submitting.forecast import Forecast
from delivery.uses import Use

CHUNK = 500
#: Of a batch that is all or nothing so many errors are told.
MOST_TOLD = 100

#: What is wrong with a message, as a ValidationError has it.
_Wrong = dict[str, Any] | list[Any]
_Told = TypeVar("_Told")


def check_defaults(defaults: dict[str, Any]) -> None:
    """Raises ValidationError: what is wrong with all of them is said once."""
    try:
        DefaultsSerializer(partial=True, context=known([defaults])).run_validation(defaults)
    except ValidationError as error:
        raise ValidationError({"defaults": error.detail}) from None


def send(defaults: dict[str, Any], raws: Sequence[Any], first: int, by: Use) -> list[dict[str, Any]]:
    """Queue what can be of a chunk that begins at `first`, in the caller's transaction: a result for each."""
    results: list[dict[str, Any]] = []
    for index, row in enumerate(_read(defaults, raws, by, sending.send_each), start=first):
        if isinstance(row, submit.Row):
            results.append({"index": index, "id": str(row.id), "status": row.status, "reason": row.reason})
        else:
            results.append({"index": index, "error": _error(row)})
    return results


def send_all(defaults: dict[str, Any], raws: Sequence[Any], by: Use) -> list[dict[str, Any]]:
    """All of them, in the caller's transaction. Raises ValidationError: then nothing is to be committed."""
    results: list[dict[str, Any]] = []
    for first in range(0, len(raws), CHUNK):
        results += send(defaults, raws[first : first + CHUNK], first, by)
    wrong = {str(one["index"]): one["error"]["errors"] for one in results if "error" in one}
    if wrong:
        told = dict(list(wrong.items())[:MOST_TOLD])
        raise ValidationError({"messages": {index: _nested(errors) for index, errors in told.items()}})
    return results


def forecasts(defaults: dict[str, Any], raws: Sequence[Any], by: Use) -> list[dict[str, Any]]:
    """What would become of each."""
    results: list[dict[str, Any]] = []
    for index, told in enumerate(_read(defaults, raws, by, sending.forecasts)):
        said = _told(told) if isinstance(told, Forecast) else {"error": _error(told)}
        results.append({"index": index, **said})
    return results


def _read(
    defaults: dict[str, Any],
    raws: Sequence[Any],
    by: Use,
    then: Callable[[Sequence[Wanted]], Sequence[_Told | SubmitError]],
) -> list[_Told | SubmitError | _Wrong]:
    """Of each what is told of it, or what is wrong with it."""
    whole = [merged(defaults, raw) for raw in raws]
    serializer = reader(whole)
    good, found = list[Wanted](), list[Any]()
    for raw in whole:
        try:
            good.append(wanted(serializer.run_validation(raw), by))
            found.append(None)
        except ValidationError as error:
            found.append(error.detail)
    told = iter(then(good))
    return [next(told) if one is None else one for one in found]


def _error(wrong: Any) -> dict[str, Any]:
    """As a problem has it, without what is said of a whole request."""
    if isinstance(wrong, SubmitError):
        wrong = {wrong.about or "non_field_errors": [str(wrong)]}
    errors = [complaint(path, detail) for path, detail in leaves(wrong)]
    detail = errors[0]["detail"] if len(errors) == 1 else f"{len(errors)} things are wrong; see errors."
    return {"type": "/problems/validation-error", "detail": detail, "errors": errors}


def _nested(errors: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The same, as a ValidationError has it, with the pointers' first step."""
    found: dict[str, Any] = {}
    for error in errors:
        name = error["pointer"].lstrip("/") or "non_field_errors"
        found.setdefault(name, []).append(error["detail"])
    return found


def _told(told: Forecast) -> dict[str, Any]:
    row = told.row
    return {
        "to": row.recipient,
        "country": row.country,
        "body": row.body,
        "encoding": row.encoding,
        "segments": told.segments,
        "cost": row.cost,
        "sender": told.sender or None,
        "provider": told.provider or None,
        "why": told.why,
        "status": row.status,
        "reason": row.reason,
        "waits_for": row.waits_for,
        "not_before": row.not_before,
    }
