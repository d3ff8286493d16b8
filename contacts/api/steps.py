"""POSTs whose effect is too large for one transaction: it is done step by step, each in a transaction of its own.

A view names such actions in `stepwise` and hands its steps to `self.run_steps`. That is `by_itself`, unless the request
has an Idempotency-Key: then whoever serves the API puts something in its place that remembers how far it came, so that
the same request, repeated after whatever happened, goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from django.db import transaction
from rest_framework.exceptions import APIException

from contacts.api.refusals import Refusal

log = structlog.get_logger(__name__)

#: Does what comes next, given how many results there are, in the caller's transaction. Returns their results, one at
#: least, as JSON can hold them.
Step = Callable[[int], list[Any]]


@dataclass(frozen=True, slots=True)
class Done:
    results: list[Any]
    replayed: bool = False
    """Nothing was done now: all of it had been."""


class Run(Protocol):
    def __call__(self, size: int, step: Step) -> Done:
        """Run steps until there are `size` results. Raises Unfinished, or what the first step raises."""


class Unfinished(Refusal):
    """Something of it is done, the rest is not, by a fault of ours."""

    status_code = 503
    problem = "unfinished"
    retry_after = 1


def by_itself(size: int, step: Step) -> Done:
    results: list[Any] = []
    while len(results) < size:
        try:
            with transaction.atomic():
                found = step(len(results))
        except APIException:
            raise
        except Exception as error:
            if not results:
                raise
            log.error("step_failed", done=len(results), exc_info=error)
            raise Unfinished(
                f"{len(results)} of {size} are done, see results; the rest is not. Send only the rest again.",
                results=results,
            ) from None
        results += found
    return Done(results)
