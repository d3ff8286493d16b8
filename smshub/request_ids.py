"""Every answer says the id of its request, under which the log has it: `Request-Id`.

A proxy or a caller may give one in `X-Request-Id`. It is taken if it is a UUID, with or without dashes (a trace id of
W3C's is one): what else somebody could write there, a number or a name, has no business in a log.
"""

import re
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

HEADER = "Request-Id"
_INCOMING = "HTTP_X_REQUEST_ID"
_is_uuid = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE).fullmatch


class RequestIds(MiddlewareMixin):
    """Stands before all others: what they refuse has an id too."""

    def process_request(self, request: HttpRequest) -> None:
        given = request.META.get(_INCOMING, "")
        # Where the middleware that puts it into the log looks for it.
        request.META[_INCOMING] = str(UUID(given) if _is_uuid(given) else uuid4())

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response[HEADER] = request.META[_INCOMING]
        return response
