"""Sessions end in time, and nobody who must have a second factor goes on without one."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from smshub.accounts import factors, sessions
from smshub.accounts.steps import FACTOR

#: Pages of the account that are open to somebody who has yet to set a factor up.
_OPEN = ("account_", "login", "logout", "jsi18n", "second_factor", "password_change")


class Accounts(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        # Requests without a session, as those of the API, are none of ours.
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated
        if has_session and sessions.is_over(request):
            logout(request)
            messages.info(request, _("You were signed out, because the time of the session was over."))

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or "admin" not in match.namespaces or (match.url_name or "").startswith(_OPEN):
            return None
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated or request.session.get(FACTOR):
            return None
        if not factors.required_of(user):
            return None
        messages.warning(request, _("Your role needs a second factor: set one up to go on."))
        return HttpResponseRedirect(reverse("admin:account_security"))
