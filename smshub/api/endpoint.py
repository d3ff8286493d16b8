"""What every address of the API has in common, put around the views of all floors."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.fields import did_you_mean
from contacts.api.refusals import BadParameter
from contacts.api.steps import Run, by_itself
from smshub.api import idempotency
from smshub.api.parsers import LargeJSONParser, unstorable
from smshub.api.problems import LengthRequired


class Endpoint(APIView):
    """Strict parameters and idempotent POSTs.

    A view lists parameters beyond its filters in `query_params`, actions that are done in steps in `stepwise`
    (`contacts.api.steps`), and those that take large bodies, with how many bytes, in `large_bodies`.
    """

    http_method_names = ["get", "head", "post", "patch", "delete"]
    run_steps: Run = staticmethod(by_itself)

    def get_parsers(self) -> list[BaseParser]:
        # The action is not known yet.
        action = (getattr(self, "action_map", None) or {}).get("post", "")
        most = getattr(self, "large_bodies", {}).get(action)
        return [LargeJSONParser(most)] if most else super().get_parsers()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            raise LengthRequired("Send the body with a Content-Length, not in chunks.")
        _check_parameters(request.query_params, _known_parameters(self))
        if request.method == "POST" and (key := request.headers.get(idempotency.HEADER)) is not None:
            if getattr(self, "action", None) in getattr(self, "stepwise", ()):
                self.run_steps = partial(idempotency.in_steps, request, key)
            else:
                handler = getattr(self, "post", self.http_method_not_allowed)
                self.post = partial(self._once, key, handler)

    def _once(self, key: str, handler: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        return idempotency.once(request, key, partial(handler, request, *args, **kwargs))


def endpoint(view: type[APIView]) -> Any:
    """The view as it is served: with `Endpoint` in front of it."""
    return type(view.__name__, (Endpoint, view), {"__doc__": view.__doc__, "__module__": view.__module__})


def _known_parameters(view: Any) -> set[str]:
    known = set(getattr(view, "query_params", ()))
    if filters := getattr(view, "filterset_class", None):
        known |= set(filters.base_filters)
    if paginator := getattr(view, "paginator", None):
        known |= {paginator.cursor_query_param, paginator.page_size_query_param}
    return known


def _check_parameters(given: Mapping[str, str], known: set[str]) -> None:
    for name, value in given.items():
        if name not in known:
            raise BadParameter(name, f"There is no such parameter.{did_you_mean(name, known)}")
        if unstorable(value):
            raise BadParameter(name, "Contains a character that cannot be stored.")
