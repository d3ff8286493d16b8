"""Which language is spoken to whom: staff's own on staff's pages, English everywhere else.

Staff choose in the user menu, which sets a cookie; until then the browser says. What other systems read, and what is
kept in the database, stays English, whatever somebody's browser prefers.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

STAFF_PAGES = "/admin/"


class StaffLanguage(LocaleMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(STAFF_PAGES):
            super().process_request(request)
            return
        # Not left as it was: the thread may have served somebody else's page before.
        translation.activate(settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = settings.LANGUAGE_CODE

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(STAFF_PAGES):
            return super().process_response(request, response)
        return response
