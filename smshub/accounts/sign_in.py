"""The login's pages: the password, the second factor, and the questions to a passkey."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from smshub.accounts import factors, passkeys, steps, totp

_NEXT = "next"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
        help_text=gettext_lazy("Six digits from your authenticator app, or one of your recovery codes."),
    )


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    template_name = "smshub/sign_in.html"
    authentication_form = AuthenticationForm
    redirect_field_name = _NEXT

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.get_user()
        if not factors.of(user):
            steps.finish(self.request, user, factor=False)
            return HttpResponseRedirect(self.get_success_url())
        steps.pend(self.request, user)
        return HttpResponseRedirect(f"{reverse('admin:second_factor')}?{_NEXT}={_target(self.request)}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **{
                **_page(self.request, _("Log in")),
                "app_path": self.request.get_full_path(),
                "username": self.request.user.get_username(),
                "passkeys": passkeys.is_possible(self.request),
                **kwargs,
            }
        )


@never_cache
def second_factor(request: HttpRequest) -> HttpResponse:
    """The second step; without the first there is nothing here."""
    user = steps.pending(request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            if steps.take_code(request, user, form.cleaned_data["code"]):
                steps.finish(request, user, factor=True)
                return HttpResponseRedirect(_target(request))
            form.add_error("code", _("This is not a valid code, or it was used before."))
        except totp.TooMany as problem:
            form.add_error("code", _("Too many wrong codes. Try again in %(n)d seconds.") % {"n": problem.seconds})
    context = {
        **_page(request, _("Second step")),
        "form": form,
        "has": factors.of(user),
        "next": _target(request),
        "passkeys": passkeys.is_possible(request),
    }
    return TemplateResponse(request, "smshub/second_factor.html", context)


@require_POST
@never_cache
def ask_passkey(request: HttpRequest) -> HttpResponse:
    """The question for a passkey: of whoever has given their password, or of anybody."""
    return JsonResponse(passkeys.to_sign_in(request, steps.pending(request)))


@require_POST
@never_cache
def take_passkey(request: HttpRequest) -> HttpResponse:
    """The answer to it: who it is signed in, and where they go from here."""
    try:
        user = passkeys.sign_in(request, steps.pending(request), answer=json.loads(request.body))
    except (passkeys.Refused, json.JSONDecodeError):
        return JsonResponse({"error": _("This passkey does not open the account.")}, status=400)
    if not (user.is_active and user.is_staff):
        raise PermissionDenied
    steps.finish(request, user, factor=True)
    return JsonResponse({"next": _target(request)})


def _target(request: HttpRequest) -> str:
    """Where the sign-in leads: to the page that was asked for, if it is one of ours."""
    wanted = request.GET.get(_NEXT) or request.POST.get(_NEXT, "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else resolve_url("admin:index")


def _page(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "subtitle": None}
