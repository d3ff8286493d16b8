"""API keys: issued and shown once, bound to senders, networks and rates, rotated, revoked."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from contacts.admin.base import PageAdmin, actor, select
from contacts.admin.once import once, shows_once
from smshub.api import keys, networks
from smshub.api import smpp_admin as smpp_admin  # registers itself
from smshub.api import twilio_admin as twilio_admin  # as well
from smshub.api.models import ApiKey
from smshub.api.sender_forms import WithSenders


class KeyForm(WithSenders):
    """What may be changed of a key: where it may be used, as whom, how fast and how long."""

    expires_at = forms.SplitDateTimeField(
        label=_("Expires"), required=False, widget=UnfoldAdminSplitDateTimeWidget(), help_text=_("Empty: never.")
    )

    class Meta:
        model = ApiKey
        fields = ["name", "senders", "own_messages", "allowed_from", "per_second", "per_minute", "expires_at"]
        widgets = {
            "name": UnfoldAdminTextInputWidget(),
            "senders": UnfoldAdminSelectMultipleWidget(),
            "own_messages": UnfoldBooleanSwitchWidget(),
            "allowed_from": UnfoldAdminTextInputWidget(),
            "per_second": UnfoldAdminIntegerFieldWidget(),
            "per_minute": UnfoldAdminIntegerFieldWidget(),
        }

    def clean_allowed_from(self) -> str:
        try:
            return networks.tidy(self.cleaned_data["allowed_from"])
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean_expires_at(self) -> datetime | None:
        """One that was over before stays as it is."""
        ends: datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data:
            try:
                keys.check_end(ends)
            except ValueError as error:
                raise forms.ValidationError(str(error)) from None
        return ends

    def clean_own_messages(self) -> bool | None:
        chosen: bool | None = self.cleaned_data["own_messages"]
        return self.instance.is_test or chosen

    def is_of_test_key(self, cleaned: dict[str, Any]) -> bool:
        return self.instance.is_test or cleaned.get("mode") == ApiKey.Mode.TEST


class IssueForm(KeyForm):
    mode = forms.ChoiceField(
        label=_("Mode"),
        choices=ApiKey.Mode.choices,
        initial=ApiKey.Mode.LIVE,
        required=False,
        widget=select(),
        help_text=_("What a test key sends goes to the test carrier and reaches nobody."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("May"),
        choices=lambda: [(scope, f"{keys.meaning(scope)} ({scope})") for scope in keys.SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("Give it only what that system needs."),
    )
    own_messages = forms.NullBooleanField(
        label=_("Sees"),
        required=False,
        widget=UnfoldAdminSelectWidget(
            choices=[
                ("", _("What goes with its scopes")),
                ("true", _("Only its own messages")),
                ("false", _("All messages")),
            ]
        ),
        help_text=_(
            "By its scopes: its own, unless it may also see campaigns, reminders, appointments or conversations, "
            "whose messages no key has handed in."
        ),
    )
    field_order = ["name", "mode", "scopes", "own_messages"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["mode"] = cleaned.get("mode") or ApiKey.Mode.LIVE
        try:
            keys.expand(cleaned.get("scopes", ()), for_test=cleaned["mode"] == ApiKey.Mode.TEST)
        except keys.UnknownScope as error:
            self.add_error("scopes", str(error))
        return cleaned


class RotateForm(forms.Form):
    hours = forms.IntegerField(
        label=_("Hours that the old secret stays good"),
        min_value=0,
        max_value=keys.LONGEST_OVERLAP // timedelta(hours=1),
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("Time to give the new one to the system that uses it. 0: the old one ends now."),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(PageAdmin):
    empty_list = _("What another system shows when it sends and asks by the API.")
    form = KeyForm
    list_display = ("name", "prefix", "mode", "state", "created_at", "created_by", "last_used_at", "expires_at")
    list_select_related = ("created_by",)
    change_form_template = "smshub/api_key.html"
    readonly_fields = (
        *("prefix", "mode", "state_in_words", "may", "created_at", "created_by", "made_by", "last_used_at"),
        *("old_valid_until", "old_used_at", "revoked_at"),
    )
    fields = (*KeyForm.Meta.fields, *readonly_fields)

    def pages(self) -> Any:
        return {
            "rotate": ("<int:pk>/rotate/", self.rotate_view),
            "revoke": ("<int:pk>/revoke/", self.revoke_view),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # it is revoked instead, and stays known

    @display(description=_("State"), label={"valid": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        if key.revoked_at:
            return "revoked", gettext("Revoked")
        if key.expires_at and key.expires_at <= timezone.now():
            return "expired", gettext("Expired")
        return "valid", gettext("Valid")

    @display(description=_("State"))
    def state_in_words(self, key: ApiKey) -> str:
        return str(self.state(key)[1])

    @display(description=_("May"))
    def may(self, key: ApiKey) -> str:
        return "; ".join(map(keys.meaning, key.scopes))

    @shows_once
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = IssueForm(request.POST or None)
        if form.is_valid():
            once(request)
            key, text = keys.issue(actor=actor(request), **form.cleaned_data)
            self.log_addition(request, key, gettext_noop("Issued"))
            return self._shown_once(request, key, text)
        return self.form_page(
            request,
            form=form,
            title=gettext("New API key"),
            submit=gettext("Make the key"),
            intro=gettext("The key is shown once, on the next page. It cannot be had again."),
            back=reverse("admin:api_apikey_changelist"),
        )

    @shows_once
    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        key: ApiKey = self.allowed(request, pk, "change")
        back = reverse("admin:api_apikey_change", args=[pk])
        form = RotateForm(request.POST or None)
        if form.is_valid():
            once(request)
            try:
                text = keys.rotate(key, overlap=timedelta(hours=form.cleaned_data["hours"]))
            except keys.KeyRevoked:
                messages.error(request, gettext("%(key)s is revoked; make a new key instead.") % {"key": key.name})
                return HttpResponseRedirect(back)
            self.log_change(
                request,
                key,
                gettext_noop("New secret; the old one is good for %(hours)s hours")
                % {"hours": form.cleaned_data["hours"]},
            )
            return self._shown_once(request, key, text)
        return self.form_page(
            request,
            form=form,
            title=gettext("New secret for %(key)s") % {"key": key.name},
            submit=gettext("Make a new secret"),
            intro=gettext("It is shown once, on the next page. A secret from before the present one ends now."),
            original=key,
            back=back,
        )

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        key: ApiKey = self.allowed(request, pk, "change")
        back = reverse("admin:api_apikey_change", args=[pk])
        form = forms.Form(request.POST or None)
        if request.method == "POST":
            keys.revoke(key)
            self.log_change(request, key, gettext_noop("Revoked"))
            messages.success(
                request, gettext("%(key)s is revoked: its requests are refused from now on.") % {"key": key.name}
            )
            return HttpResponseRedirect(back)
        return self.form_page(
            request,
            form=form,
            title=gettext("Revoke %(key)s") % {"key": key.name},
            submit=gettext("Revoke"),
            intro=gettext(
                "Requests with this key are refused from now on. It cannot be undone; make a new key instead."
            ),
            original=key,
            back=back,
            danger=True,
        )

    def _shown_once(self, request: HttpRequest, key: ApiKey, text: str) -> HttpResponse:
        """The only page on which its secret stands."""
        back = reverse("admin:api_apikey_changelist")
        page = self.page(request, "smshub/api_key_issued.html", title=key.name, key=key, text=text, back=back)
        page["Cache-Control"] = "no-store"
        return page
