"""Answers of a kind of their own, which the views of every floor give."""

from typing import Any

from rest_framework.response import Response


def shown_once(data: Any, secret: str, status: int = 200) -> Response:
    """An answer whose field `secret` stands nowhere else: what an Idempotency-Key answers again is kept without it, and
    it is no part of the state that an ETag is of."""
    answer: Any = Response(data, status=status)
    answer.data_to_keep = {**data, secret: None}
    answer.state = {name: value for name, value in data.items() if name != secret}
    answer["Cache-Control"] = "no-store"
    return answer  # type: ignore[no-any-return]
