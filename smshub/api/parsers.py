"""JSON bodies as Postgres can keep them.

JSON allows what columns do not: NUL characters and halves of surrogate pairs, in values and in names, and numbers of
any size. They are refused here, once, with the place named, so that nothing behind has to think of them. So is a name
that stands twice in an object, of which every reader would pick another value (RFC 8259, 4).
"""

import json
import math
import re
from io import BytesIO
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser, JSONParser

MAX_DEPTH = 32
_ODD = "Contains a character that cannot be stored (NUL, or half of a surrogate pair)."
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def unstorable(text: str) -> bool:
    """Whether a text holds a NUL or half of a surrogate pair."""
    return _UNSTORABLE.search(text) is not None


class StrictJSONParser(JSONParser):
    """One JSON object (RFC 8259) in UTF-8, at most MAX_DEPTH deep."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = json.loads(
                stream.read().decode(), parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_object
            )
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} deep.") from None
        except ValueError as error:
            place = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
            raise ParseError(f"The body is not JSON{place}.") from None
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        _check(data)
        return data


class LargeJSONParser(BaseParser):
    """The same, of at most `most` bytes: for addresses that take more than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    media_type = StrictJSONParser.media_type

    def __init__(self, most: int) -> None:
        self.most = most

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        # The length may be missing or wrong.
        data = stream.read(self.most + 1)
        if len(data) > self.most:
            raise RequestDataTooBig
        return StrictJSONParser().parse(BytesIO(data), media_type, parser_context)


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"The body is not JSON: {name} is not a JSON number.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        which = f" (“{twice[:64]}”)" if not unstorable(twice) else ""
        raise ParseError(f"The body has an object with the same name twice{which}.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ParseError("The body has a number that is too large.")
    return number


def _check(data: dict[str, Any]) -> None:
    todo: list[tuple[Any, tuple[str, ...]]] = [(data, ())]
    while todo:
        value, path = todo.pop()
        if len(path) > MAX_DEPTH:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} deep.")
        if isinstance(value, str) and unstorable(value):
            raise ValidationError(_at(path, _ODD))
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValidationError(_at(path, "The number is too large: send it as text."))
        if isinstance(value, dict):
            if any(map(unstorable, value)):
                raise ValidationError(_at(path, _ODD))
            todo.extend((inner, (*path, name)) for name, inner in value.items())
        elif isinstance(value, list):
            todo.extend((inner, (*path, str(position))) for position, inner in enumerate(value))


def _at(path: tuple[str, ...], problem: str) -> Any:
    detail: Any = [problem]
    for step in reversed(path):
        detail = {step: detail}
    return detail
