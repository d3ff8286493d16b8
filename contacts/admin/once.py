"""Pages that make a secret and show it in their answer: loaded again, a browser posts the same form once more."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from redis import RedisError

log = structlog.get_logger(__name__)

_REMEMBERED_SECONDS = 86_400


class PostedBefore(Exception):
    """This very form was posted before, and what it makes is made."""


def once(request: HttpRequest) -> None:
    """To be called when a form is about to make what it makes. Raises PostedBefore; without Redis never.

    The token against forged requests is another one each time that a form is shown, so two posts that are alike are of
    one form.
    """
    if "csrfmiddlewaretoken" not in request.POST:
        return
    mark = hashlib.sha256(f"{request.path}?{request.POST.urlencode()}".encode()).hexdigest()
    try:
        is_first = cache.add(f"posted:{mark}", 1, _REMEMBERED_SECONDS)
    except RedisError as error:
        log.warning("form_not_remembered", error=type(error).__name__)
        return
    if not is_first:
        raise PostedBefore


def shows_once(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """A view of a model's admin that calls `once`: of a form that was posted before it says so, and shows the list."""

    @wraps(view)
    def answering(admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer: HttpResponse = view(admin, request, *args, **kwargs)
        except PostedBefore:
            messages.warning(request, _("This was done already. A secret is shown once; make a new one if it is lost."))
            place = f"{admin.admin_site.name}:{admin.opts.app_label}_{admin.opts.model_name}_changelist"
            return HttpResponseRedirect(reverse(place))
        return answer

    return answering
