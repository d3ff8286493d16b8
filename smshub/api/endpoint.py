"""What every address of the API has in common, put around the views of all floors."""

from functools import partial
from typing import Any

from django.http import QueryDict
from django.utils import translation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.fields import did_you_mean
from contacts.api.refusals import BadParameter
from contacts.api.steps import Run, by_itself
from smshub.api import etags, idempotency, rates, sparse
from smshub.api.models import ApiKey
from smshub.api.parsers import LargeJSONParser, unstorable
from smshub.api.problems import LengthRequired, TooManyRequests


class Endpoint(APIView):
    """Strict parameters, quotas, idempotent POSTs, changes of a known state, answers of chosen fields.

    A view lists parameters beyond its filters in `query_params`, actions that are done in steps in `stepwise`
    (`contacts.api.steps`), those that take large bodies, with how many bytes, in `large_bodies`, and
    reads that the present state may not allow in `refusable`.
    """

    http_method_names = ["get", "head", "post", "patch", "delete"]
    run_steps: Run = staticmethod(by_itself)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """In English to the last word, whatever a browser on the way asks for: programs and their logs read it."""
        with translation.override("en"):
            answer = super().dispatch(request, *args, **kwargs)
            return answer.render() if isinstance(answer, Response) else answer

    def get_parsers(self) -> list[BaseParser]:
        # The action is not known yet.
        action = (getattr(self, "action_map", None) or {}).get("post", "")
        most = getattr(self, "large_bodies", {}).get(action)
        return [LargeJSONParser(most)] if most else super().get_parsers()

    verdict = rates.Verdict(let_in=True)

    def perform_authentication(self, request: Request) -> None:
        """Whoever has a key is counted, whatever becomes of the request then."""
        super().perform_authentication(request)
        if isinstance(request.auth, ApiKey):
            key = request.auth
            self.verdict = rates.take(key.pk, rates.quotas(key.per_second, key.per_minute))
            if not self.verdict.let_in:
                raise TooManyRequests(self.verdict.wait)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.verdict.headers().items():
            answer[name] = value
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            raise LengthRequired("Send the body with a Content-Length, not in chunks.")
        _check_parameters(request.query_params, _known_parameters(self, request.method or ""))
        method = str(request.method).lower()
        handler = getattr(self, method, self.http_method_not_allowed)
        if request.method not in SAFE_METHODS:
            handler = etags.guarded(self, request, handler)
        if request.method == "POST" and (key := request.headers.get(idempotency.HEADER)) is not None:
            if getattr(self, "action", None) in getattr(self, "stepwise", ()):
                self.run_steps = partial(idempotency.in_steps, request, key)
            else:
                handler = partial(self._once, key, handler)
        setattr(self, method, partial(self._answered, handler))

    def _answered(self, handler: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        return sparse.trimmed(request, etags.tagged(self, request, handler(request, *args, **kwargs)))

    def _once(self, key: str, handler: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        return idempotency.once(request, key, partial(handler, request, *args, **kwargs))


def endpoint(view: type[APIView]) -> Any:
    """The view as it is served: with `Endpoint` in front of it."""
    return type(view.__name__, (Endpoint, view), {"__doc__": view.__doc__, "__module__": view.__module__})


def _known_parameters(view: Any, method: str) -> set[str]:
    known = set(getattr(view, "query_params", ()))
    if method in SAFE_METHODS:
        known.add(sparse.PARAMETER)
    if filters := getattr(view, "filterset_class", None):
        known |= set(filters.base_filters)
    if paginator := getattr(view, "paginator", None):
        known |= {paginator.cursor_query_param, paginator.page_size_query_param}
    return known


def _check_parameters(given: QueryDict, known: set[str]) -> None:
    for name, values in given.lists():
        if name not in known:
            raise BadParameter(name, f"There is no such parameter.{did_you_mean(name, known)}")
        if len(values) > 1:
            raise BadParameter(name, "Give it once.")
        if any(map(unstorable, values)):
            raise BadParameter(name, "Contains a character that cannot be stored.")
