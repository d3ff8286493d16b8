"""The addresses of the door: who calls, what they ask, and the answer in Twilio's JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from delivery.runtime import DATABASE_AWAY
from delivery.submissions import digest
from smshub.twilio_door import changing, creating, forms, listing, logins, resource
from smshub.twilio_door.logins import READ, WRITE, Login
from smshub.twilio_door.refusals import Refused

log = structlog.get_logger(__name__)

View = Callable[..., HttpResponse]


def door(view: Callable[..., HttpResponse]) -> View:
    """Asks who is there, and answers in Twilio's form whatever happens behind."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, account: str = "", **where: str) -> HttpResponse:
        try:
            login = logins.authenticate(request.headers.get("Authorization", ""))
            if login is None:
                raise Refused(20003)
            if account != login.account_sid:
                raise Refused(20404)
            return view(request, login, **where)
        except Refused as refusal:
            return _refusal(refusal)
        except RequestDataTooBig:
            return _refusal(Refused(20413))
        except UnreadablePostError:
            return _refusal(Refused(20001, "The body did not come to its end."))
        except DATABASE_AWAY as error:
            log.warning("twilio_door_without_database", error=type(error).__name__)
            return _refusal(Refused(20503))
        except Exception as error:
            got_request_exception.send(sender=view, request=request)
            log.error("twilio_door_error", exc_info=error)
            return _refusal(Refused(20500))

    return answer


@door
def messages(request: HttpRequest, login: Login) -> HttpResponse:
    if request.method == "POST":
        _needs(login, WRITE)
        form = forms.of_body(request)
        order = creating.read(form, login)
        if key := request.headers.get("Idempotency-Key", ""):
            order = creating.once(order, digest(key.encode("utf-8", "surrogatepass"), request.body))
        message, said = creating.create(order, login)
        return _json(resource.of_message(message, said, login), 201)
    _only(request, "GET", "HEAD")
    _needs(login, READ)
    return _json(listing.page(listing.read(forms.of_query(request)), login))


@door
def message(request: HttpRequest, login: Login, sid: str) -> HttpResponse:
    _only(request, "GET", "HEAD", "POST", "DELETE")
    if request.method == "POST":
        _needs(login, WRITE)
        return _json(_update(forms.of_body(request), login, sid))
    if request.method == "DELETE":
        _needs(login, WRITE)
        changing.delete(sid, login)
        return HttpResponse(status=204)
    _needs(login, READ)
    return _json(changing.fetch(sid, login))


@door
def account(request: HttpRequest, login: Login) -> HttpResponse:
    _only(request, "GET", "HEAD")
    return _json(resource.of_account(login))


@door
def nothing_here(request: HttpRequest, login: Login, rest: str) -> HttpResponse:
    raise Refused(20404)


def _update(form: dict[str, str], login: Login, sid: str) -> dict[str, Any]:
    if "Status" in form:
        if form["Status"] != "canceled":
            raise Refused(20001, "Status can only be set to canceled.")
        return changing.cancel(sid, login)
    if form.get("Body") != "":
        raise Refused(20001, "A message can be canceled (Status=canceled) or redacted (an empty Body), nothing else.")
    return changing.redact(sid, login)


def _needs(login: Login, scope: str) -> None:
    if scope not in login.scopes:
        raise Refused(20403, f"The API key behind these credentials lacks the scope {scope}.")


def _only(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        raise Refused(20004)


def _json(document: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(document, status=status)


def _refusal(refusal: Refused) -> JsonResponse:
    response = JsonResponse(refusal.document, status=refusal.status)
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return response
