"""API keys: issued and shown once, revoked, never changed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.admin.base import PageAdmin, actor
from smshub.api import keys
from smshub.api import smpp_admin as smpp_admin  # registers itself
from smshub.api import twilio_admin as twilio_admin  # as well
from smshub.api.models import ApiKey


class IssueForm(forms.Form):
    name = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget(), help_text="Which system uses it.")
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=lambda: [(scope, f"{meaning} ({scope})") for scope, meaning in keys.SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Give it only what that system needs.",
    )
    expires_at = forms.SplitDateTimeField(
        label="Expires", required=False, widget=UnfoldAdminSplitDateTimeWidget(), help_text="Empty: never."
    )


@admin.register(ApiKey)
class ApiKeyAdmin(PageAdmin):
    list_display = ("name", "prefix", "state", "created_at", "created_by", "last_used_at", "expires_at")
    list_select_related = ("created_by",)
    change_form_template = "smshub/api_key.html"
    fields = ("name", "prefix", "state", "may", "created_at", "created_by", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields

    def pages(self) -> Any:
        return {"revoke": ("<int:pk>/revoke/", self.revoke_view)}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # it is revoked instead, and stays known

    @display(description="State", label={"Valid": "success", "Expired": "warning", "Revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "Revoked"
        return "Expired" if key.expires_at and key.expires_at <= timezone.now() else "Valid"

    @display(description="May")
    def may(self, key: ApiKey) -> str:
        return "; ".join(keys.SCOPES.get(scope, scope) for scope in key.scopes)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = IssueForm(request.POST or None)
        back = reverse("admin:api_apikey_changelist")
        if form.is_valid():
            key, text = keys.issue(actor=actor(request), **form.cleaned_data)
            self.log_addition(request, key, "Issued")
            page = self.page(request, "smshub/api_key_issued.html", title=key.name, key=key, text=text, back=back)
            page["Cache-Control"] = "no-store"
            return page
        return self.form_page(
            request,
            form=form,
            title="New API key",
            submit="Make the key",
            intro="The key is shown once, on the next page. It cannot be had again.",
            back=back,
        )

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        key: ApiKey = self.allowed(request, pk, "change")
        back = reverse("admin:api_apikey_change", args=[pk])
        form = forms.Form(request.POST or None)
        if request.method == "POST":
            keys.revoke(key)
            self.log_change(request, key, "Revoked")
            messages.success(request, f"{key.name} is revoked: its requests are refused from now on.")
            return HttpResponseRedirect(back)
        return self.form_page(
            request,
            form=form,
            title=f"Revoke {key.name}",
            submit="Revoke",
            intro="Requests with this key are refused from now on. It cannot be undone; make a new key instead.",
            original=key,
            back=back,
            danger=True,
        )
