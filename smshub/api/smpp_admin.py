"""SMPP logins: made and shown once, changed, given a new password, switched off; and who is bound just now."""

from typing import Any

import redis
from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.base import PageAdmin, actor
from delivery.admin import words
from smshub.api import networks
from smshub.api.models import ApiKey, SmppLogin
from smshub.api.sender_forms import WithSenders
from smshub.smpp_door import logins, presence


class LoginForm(WithSenders):
    class Meta:
        model = SmppLogin
        fields = [
            "api_key",
            "system_id",
            "enabled",
            "senders",
            "routed",
            "lane",
            "rate",
            "max_binds",
            "allowed_from",
            "alphabet",
            "reference_tag",
        ]
        widgets = {"system_id": UnfoldAdminTextInputWidget()}

    def clean_allowed_from(self) -> str:
        try:
            return networks.tidy(self.cleaned_data["allowed_from"])
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None


@admin.register(SmppLogin)
class SmppLoginAdmin(PageAdmin):
    form = LoginForm
    list_display = ("system_id", "api_key", "state", "lane", "max_binds", "last_bound_at")
    list_select_related = ("api_key",)
    change_form_template = "smshub/smpp_login.html"
    filter_horizontal = ("senders",)

    def pages(self) -> Any:
        return {"renew": ("<int:pk>/renew/", self.renew_view)}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # it is switched off instead: its messages are told of by its number

    def get_readonly_fields(self, request: HttpRequest, obj: SmppLogin | None = None) -> tuple[str, ...]:
        return ("api_key", "system_id", "created_by", "created_at", "last_bound_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: SmppLogin | None = None) -> list[str]:
        fields = list(LoginForm.Meta.fields)
        return [*fields, "created_by", "created_at", "last_bound_at"] if obj else fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "api_key":
            kwargs["queryset"] = ApiKey.objects.filter(revoked_at=None).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("State"), label={**words.ON_OFF, "revoked": "danger"})
    def state(self, login: SmppLogin) -> tuple[str, str]:
        if login.api_key.revoked_at:
            return "revoked", gettext("Key revoked")
        return words.on_off(login.enabled)

    def save_model(self, request: HttpRequest, obj: SmppLogin, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = actor(request)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: SmppLogin, post_url_continue: str | None = None) -> HttpResponse:
        """The only page on which its password stands."""
        return self._shown_once(request, obj)

    def renew_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        login: SmppLogin = self.allowed(request, pk, "change")
        if request.method == "POST":
            self.log_change(request, login, gettext_noop("New password"))
            return self._shown_once(request, login)
        return self.form_page(
            request,
            form=forms.Form(),
            title=gettext("New password for %(login)s") % {"login": login.system_id},
            submit=gettext("Make a new password"),
            intro=gettext("The old one is of no use from now on. Connections that are bound stay so."),
            original=login,
            back=reverse("admin:api_smpplogin_change", args=[pk]),
            danger=True,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "bound": _bound(request, object_id)}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def _shown_once(self, request: HttpRequest, login: SmppLogin) -> HttpResponse:
        page = self.page(
            request,
            "smshub/smpp_login_issued.html",
            title=login.system_id,
            login=login,
            password=logins.renew(login),
            back=reverse("admin:api_smpplogin_change", args=[login.pk]),
        )
        page["Cache-Control"] = "no-store"
        return page


def _bound(request: HttpRequest, object_id: str) -> list[presence.Seen]:
    if not object_id.isdecimal():
        return []
    try:
        return presence.seen(int(object_id))
    except redis.RedisError:
        messages.warning(request, gettext("Who is bound cannot be told: Redis does not answer."))
        return []
