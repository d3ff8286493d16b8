"""“Your account → Security”: factors, recovery codes, and where one is signed in.

Every change asks for the password first, unless it was given in the last minutes.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminPasswordWidget

from contacts.admin.base import actor
from smshub.accounts import agents, factors, passkeys, recovery, sessions, sign_in, steps, totp
from smshub.accounts.models import Totp

View = Callable[..., HttpResponse]


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Your password"),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


def urls() -> list[URLPattern]:
    """The login, and the pages of one's own account."""
    return [
        path("login/", sign_in.SignIn.as_view(), name="login"),
        path("login/second/", sign_in.second_factor, name="second_factor"),
        path("login/passkey/ask/", sign_in.ask_passkey, name="login_passkey_ask"),
        path("login/passkey/", sign_in.take_passkey, name="login_passkey"),
        *(
            path(f"account/{route}", admin.site.admin_view(view), name=f"account_{name}")
            for route, view, name in (
                ("security/", security, "security"),
                ("confirm/", confirm, "confirm"),
                ("app/", set_up_app, "app"),
                ("app/remove/", remove_app, "app_remove"),
                ("codes/", new_codes, "codes"),
                ("passkeys/ask/", ask_passkey, "passkey_ask"),
                ("passkeys/", add_passkey, "passkey_add"),
                ("passkeys/<int:pk>/remove/", remove_passkey, "passkey_remove"),
                ("sessions/end/", end_sessions, "sessions_end"),
            )
        ),
    ]


def confirmed(view: View) -> View:
    """Ask for the password before this."""

    @wraps(view)
    def first(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if steps.is_confirmed(request):
            return view(request, *args, **kwargs)
        address = reverse("admin:account_confirm")
        if request.headers.get("Accept") == "application/json":
            return JsonResponse({"next": address}, status=409)
        return HttpResponseRedirect(address)

    return first


def security(request: HttpRequest) -> HttpResponse:
    user = actor(request)
    return _page(
        request,
        "smshub/security.html",
        _("Security"),
        has=factors.of(user),
        required=factors.required_of(user),
        keys=user.passkeys.order_by("created_at"),
        possible=passkeys.is_possible(request),
        sessions=[(session, agents.named(session.agent)) for session in sessions.of(user)],
        present=request.session.session_key,
    )


def confirm(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        if steps.confirm(request, actor(request), form.cleaned_data["password"]):
            messages.info(request, _("Thank you. For five minutes you may change how you sign in."))
            return _back()
        form.add_error("password", _("This is not your password."))
    return _page(
        request,
        "contacts/admin/form_page.html",
        _("Is it you?"),
        form=form,
        media=form.media,
        submit=_("Go on"),
        intro=_("Give your password again before you change how you sign in."),
        back=reverse("admin:account_security"),
    )


@confirmed
def set_up_app(request: HttpRequest) -> HttpResponse:
    user = actor(request)
    try:
        waiting = totp.begin(user)
    except ValueError:
        return _back()
    form = sign_in.CodeForm(request.POST or None)
    form.fields["code"].help_text = _("The six digits that the app shows now.")
    if form.is_valid():
        try:
            if totp.check(user, form.cleaned_data["code"], confirming=True):
                messages.success(request, _("From now on signing in asks for a code of the app."))
                _in_use(request, user)
                return _back() if recovery.left(user) else _codes(request, recovery.issue(user))
            form.add_error("code", _("This is not the code. Is the time of your phone right?"))
        except totp.TooMany as problem:
            form.add_error("code", _("Too many wrong codes. Try again in %(n)d seconds.") % {"n": problem.seconds})
    return _page(
        request,
        "smshub/set_up_app.html",
        _("Set up an authenticator app"),
        form=form,
        # The library escapes what it draws, which is nothing but squares.
        code=mark_safe(totp.drawn(totp.uri(waiting, issuer="SMSHub"))),  # noqa: S308
        key=" ".join(waiting.secret["key"][at : at + 4] for at in range(0, len(waiting.secret["key"]), 4)),
    )


@require_POST
@confirmed
def remove_app(request: HttpRequest) -> HttpResponse:
    user = actor(request)
    Totp.objects.filter(user=user).delete()
    return _removed(request, user)


@require_POST
@confirmed
def new_codes(request: HttpRequest) -> HttpResponse:
    if not factors.of(actor(request)):
        return _back()
    return _codes(request, recovery.issue(actor(request)))


@require_POST
@confirmed
def ask_passkey(request: HttpRequest) -> HttpResponse:
    return JsonResponse(passkeys.to_register(request, actor(request)))


@require_POST
@confirmed
def add_passkey(request: HttpRequest) -> HttpResponse:
    user = actor(request)
    try:
        given = json.loads(request.body)
        passkeys.register(request, user, answer=given.get("credential"), name=str(given.get("name", "")))
    except (passkeys.Refused, ValueError, AttributeError):
        return JsonResponse({"error": _("The passkey could not be added. Try again.")}, status=400)
    _in_use(request, user)
    messages.success(request, _("The passkey was added."))
    return JsonResponse({"next": reverse("admin:account_security")})


@require_POST
@confirmed
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    user = actor(request)
    if not user.passkeys.filter(pk=pk).delete()[0]:
        raise Http404
    return _removed(request, user)


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end(actor(request), but=request.session)
    messages.success(request, _("You are signed out everywhere else."))
    return _back()


def _in_use(request: HttpRequest, user: User) -> None:
    """A factor was added: whoever is signed in elsewhere has not given it."""
    request.session[steps.FACTOR] = True
    sessions.end(user, but=request.session)


def _removed(request: HttpRequest, user: User) -> HttpResponse:
    factors.removed(user, request.session)
    request.session[steps.FACTOR] = bool(factors.of(user))
    messages.success(request, _("Removed. You are signed out everywhere else."))
    return _back()


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    response = _page(request, "smshub/recovery_codes.html", _("Recovery codes"), codes=codes)
    response["Cache-Control"] = "no-store"
    return response


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:account_security"))


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    request.current_app = admin.site.name
    shared = {**admin.site.each_context(request), "title": title}
    return TemplateResponse(request, template, {**shared, **context})
