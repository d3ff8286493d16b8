"""What people read when a page cannot be: what happened, and what to do.

Nothing here asks the database, which may be what is missing; nothing of the request is repeated but its id.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from smshub.languages import STAFF_PAGES


@dataclass(frozen=True, slots=True)
class _Said:
    title: str
    happened: str
    to_do: str


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = _Said(
        _("This request cannot be read"),
        _("Something in it is not as SMSHub's own pages send it, and nothing was done."),
        _("Go back, load the page again, and try once more."),
    )
    return _page(request, 400, said)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = _Said(
        _("You may not do this"),
        _("None of your roles includes it, and nothing was done."),
        _("If it is part of your work, ask whoever manages the users for the role."),
    )
    return _page(request, 403, said)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For CSRF_FAILURE_VIEW. `reason` is for developers."""
    said = _Said(
        _("This page was too old"),
        _("Somebody has logged in or out here since it was loaded, or there are no cookies. Nothing was done."),
        _("Load the page again, and do it once more."),
    )
    return _page(request, 403, said, back=_came_from(request))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = _Said(
        _("There is nothing here"),
        _("The address is mistyped, or what stood here has been removed."),
        _("Look for it from the home page."),
    )
    return _page(request, 404, said)


def mistake(request: HttpRequest) -> HttpResponse:
    said = _Said(
        _("Something went wrong"),
        _("SMSHub made a mistake, or one of its servers is away. Look whether what you did last was done."),
        _("Try again in a minute. If it stays so, tell whoever runs SMSHub, with the number below."),
    )
    return _page(request, 500, said)


def _page(request: HttpRequest, status: int, said: _Said, *, back: str = "") -> HttpResponse:
    is_staffs = request.path_info.startswith(STAFF_PAGES)
    context = {
        "said": said,
        "back": back,
        # Only there may a page load its looks: see smshub/policies.py.
        "is_staffs": is_staffs,
        "request_id": request.META.get("HTTP_X_REQUEST_ID", "") if status == 500 else "",
    }
    # Without the request: what is added to a page for its sake asks who is logged in.
    return HttpResponse(loader.get_template("smshub/error.html").render(context), status=status)


def _came_from(request: HttpRequest) -> str:
    """The page whose form it was, if it is one of ours."""
    referrer = request.headers.get("Referer", "")
    return referrer if url_has_allowed_host_and_scheme(referrer, {request.get_host()}) else ""
