"""What each request of a user or of an API key leaves in the log, whichever page or address it was.

Recorded here, and not by the pages, so that a new page cannot forget it:

- an action: a request that wrote something and was not refused;
- an export: an answer that is a file;
- a view: a page of those that show people (`places.PERSONAL`), for users.

The entry is written before the answer leaves; where it cannot be written, nothing is shown.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from smshub.audit import places, trail
from smshub.audit.models import Entry
from smshub.audit.origin import Actor, Origin, current

_FILES = ("application/pdf", "application/zip", "text/csv")
_READING = ("GET", "HEAD", "OPTIONS")


class Audit(MiddlewareMixin):
    """Stands behind the middleware that knows who is signed in."""

    def process_request(self, request: HttpRequest) -> None:
        current.set(Origin(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        origin = current.get()
        current.set(None)
        if origin and response.status_code < 400 and (actor := origin.actor):
            _leave(origin, actor, response)
        return response


def _leave(origin: Origin, actor: Actor, response: HttpResponseBase) -> None:
    request = origin.request
    match, method = request.resolver_match, str(request.method)
    if match is None or not (actor.kind == "key" or "admin" in match.namespaces):
        return
    place = (places.of_api if actor.kind == "key" else places.of_admin)(match, method)
    if _is_file(response):
        trail.record(origin, actor, Entry.Kind.EXPORT, place)
    elif origin.wrote and method not in _READING:
        if not place.is_told_elsewhere:
            trail.record(origin, actor, Entry.Kind.ACTION, place)
    elif place.is_personal:
        if actor.kind != "key":
            trail.record_view(origin, actor, place, every=trail.VIEW_EVERY)
        elif place.is_read_by(method):
            trail.record_reading(origin, actor, place)


def _is_file(response: HttpResponseBase) -> bool:
    attached = response.headers.get("Content-Disposition", "").startswith("attachment")
    return attached or response.headers.get("Content-Type", "").startswith(_FILES)
