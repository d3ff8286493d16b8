"""What a browser may do with an answer (Content-Security-Policy): pages what their library needs, all else nothing.

An answer of the API, a metric or an error is data. Should somebody have a browser show one that holds what others
wrote, nothing in it runs, loads or is sent anywhere.
"""

from csp.constants import NONE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Where there are pages for people; their policy is CONTENT_SECURITY_POLICY.
PAGES = ("/admin/", "/api/v1/docs", "/api/v1/redoc")
_NOTHING = {directive: [NONE] for directive in ("default-src", "base-uri", "form-action", "frame-ancestors")}


class ContentPolicy(CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not request.path.startswith(PAGES):
            parts.config = _NOTHING
        return parts
