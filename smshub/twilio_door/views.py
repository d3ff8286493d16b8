"""The addresses of the door: who calls, what they ask, and the answer in Twilio's JSON."""

import math
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
from smshub.api import rates
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
        verdict = rates.Verdict(let_in=True)
        try:
            login = _who(request)
            verdict = rates.take(login.key_id, login.quotas)
            if not verdict.let_in:
                raise Refused(20429)
            if account != login.account_sid:
                raise Refused(20404)
            response = view(request, login, **where)
        except Exception as error:
            response = _refusal(_refused(error, view, request))
        for name, value in verdict.headers().items():
            response[name] = value
        if not verdict.let_in:
            response["Retry-After"] = str(math.ceil(verdict.wait))
        return response

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


def _who(request: HttpRequest) -> Login:
    address = request.META.get("REMOTE_ADDR", "")
    try:
        login = logins.authenticate(request.headers.get("Authorization", ""), address=address)
    except logins.NotFromHere:
        raise Refused(20403, f"The API key may not be used from {address or 'an unknown address'}.") from None
    if login is None:
        raise Refused(20003)
    return login


def _refused(error: Exception, view: object, request: HttpRequest) -> Refused:
    """What an exception is to whoever called."""
    match error:
        case Refused():
            return error
        case RequestDataTooBig():
            return Refused(20413)
        case UnreadablePostError():
            return Refused(20001, "The body did not come to its end.")
    if isinstance(error, DATABASE_AWAY):
        log.warning("twilio_door_without_database", error=type(error).__name__)
        return Refused(20503)
    got_request_exception.send(sender=view, request=request)
    log.error("twilio_door_error", exc_info=error)
    return Refused(20500)


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
