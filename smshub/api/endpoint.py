"""What every address of the API has in common, put around the views of all floors."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.fields import did_you_mean
from contacts.api.refusals import BadParameter
from smshub.api import idempotency, rates
from smshub.api.models import ApiKey
from smshub.api.parsers import unstorable
from smshub.api.problems import LengthRequired, TooManyRequests


class Endpoint(APIView):
    """Strict parameters and idempotent POSTs. A view lists parameters beyond its filters in `query_params`."""

    http_method_names = ["get", "head", "post", "patch", "delete"]

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
        _check_parameters(request.query_params, _known_parameters(self))
        if request.method == "POST" and (key := request.headers.get(idempotency.HEADER)) is not None:
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
