"""Twilio logins in the admin: made (their secrets shown once), changed, given new secrets, switched off."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.base import PageAdmin, actor
from contacts.retelling import english
from delivery.admin import words
from smshub.api.models import ApiKey, TwilioLogin
from smshub.api.sender_forms import WithSenders
from smshub.twilio_door import creating, logins
from smshub.twilio_door.refusals import Refused

#: What can be made anew: how, and what that means.
_RENEWALS = {
    "token": (
        logins.renew_token,
        _("auth token"),
        _("The old one is of no use from now on; callbacks are signed anew."),
    ),
    "key": (logins.renew_key, _("key secret"), _("The old one is of no use from now on. The auth token stays.")),
}


class LoginForm(WithSenders):
    class Meta:
        model = TwilioLogin
        fields = ["api_key", "name", "enabled", "senders", "service_sid", "lane", "sms_url"]
        widgets = {name: UnfoldAdminTextInputWidget() for name in ("name", "service_sid", "sms_url")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "service_sid" in self.fields:
            self.fields["service_sid"].initial = logins.new_sid("MG")

    def clean_sms_url(self) -> str:
        try:
            return creating.callback_url(self.cleaned_data["sms_url"])
        except Refused:
            raise forms.ValidationError(gettext("This is not an https:// address that can be called.")) from None


@admin.register(TwilioLogin)
class TwilioLoginAdmin(PageAdmin):
    form = LoginForm
    list_display = ("name", "account_sid", "api_key", "state", "lane")
    list_select_related = ("api_key",)
    change_form_template = "smshub/twilio_login.html"
    filter_horizontal = ("senders",)

    def pages(self) -> Any:
        return {"renew": ("<int:pk>/renew/<str:what>/", self.renew_view)}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # it is switched off instead: its messages are told of by its number

    def get_readonly_fields(self, request: HttpRequest, obj: TwilioLogin | None = None) -> tuple[str, ...]:
        return ("api_key", "account_sid", "key_sid", "created_by", "created_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: TwilioLogin | None = None) -> list[str]:
        fields = list(LoginForm.Meta.fields)
        return [*fields, "account_sid", "key_sid", "created_by", "created_at"] if obj else fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "api_key":
            kwargs["queryset"] = ApiKey.objects.filter(revoked_at=None).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("State"), label={**words.ON_OFF, "revoked": "danger"})
    def state(self, login: TwilioLogin) -> tuple[str, str]:
        if login.api_key.revoked_at:
            return "revoked", gettext("Key revoked")
        return words.on_off(login.enabled)

    def save_model(self, request: HttpRequest, obj: TwilioLogin, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = actor(request)
            logins.furnish(obj)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: TwilioLogin, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page on which its secrets stand."""
        token, key = logins.renew_token(obj), logins.renew_key(obj)
        return self._shown_once(request, obj, logins.Issued(token.auth_token, key.key_secret))

    def renew_view(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        login: TwilioLogin = self.allowed(request, pk, "change")
        renew, name, meaning = _RENEWALS["key" if what == "key" else "token"]
        if request.method == "POST":
            with english():
                self.log_change(request, login, gettext("New secret: %(name_words)s") % {"name_words": name})
            return self._shown_once(request, login, renew(login))
        return self.form_page(
            request,
            form=forms.Form(),
            title=gettext("New %(name)s for %(login)s") % {"name": name, "login": login.name},
            submit=gettext("Make a new %(name)s") % {"name": name},
            intro=meaning,
            original=login,
            back=reverse("admin:api_twiliologin_change", args=[pk]),
            danger=True,
        )

    def _shown_once(self, request: HttpRequest, login: TwilioLogin, issued: logins.Issued) -> HttpResponse:
        page = self.page(
            request,
            "smshub/twilio_login_issued.html",
            title=login.name,
            login=login,
            issued=issued,
            back=reverse("admin:api_twiliologin_change", args=[login.pk]),
        )
        page["Cache-Control"] = "no-store"
        return page
