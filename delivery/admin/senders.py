"""Senders: what recipients see, and which of them is the default."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.validators import MinValueValidator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.base import PageAdmin, kept
from contacts.unusable import Unusable
from delivery.models import TEST_PROVIDER, Provider, Sender
from delivery.routing import senders

_WHY_OFF = kept("disabled_reason")


class SenderForm(forms.ModelForm):
    class Meta:
        model = Sender
        fields = ("provider", "address", "rate", "enabled", "is_default", "opt_out_scope", "display_name")
        labels = {"is_default": _("Default")}
        help_texts = {
            "address": _(
                "A number with its country code, such as +44 7700 900123, a short code, a name of up to 11 letters and "
                "digits, or the provider's id of a service."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "rate" in self.fields:  # not for whoever may only look
            self.fields["rate"].validators.append(MinValueValidator(1))

    def clean_address(self) -> str:
        try:
            return senders.address(self.cleaned_data["address"])
        except Unusable as problem:
            raise forms.ValidationError(str(problem)) from None

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] = super().clean() or {}
        provider = cleaned.get("provider", getattr(self.instance, "provider", None))
        try:
            senders.check(Sender(provider=provider, is_default=bool(cleaned.get("is_default"))))
        except Unusable as problem:
            self.add_error(problem.field, str(problem))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # A new default takes the place of the old one.
        return super()._get_validation_exclusions() | {"is_default"}  # type: ignore[misc, no-any-return]


@admin.register(Sender)
class SenderAdmin(PageAdmin):
    empty_list = _("The number or name that people see. Without one nothing is sent.")
    form = SenderForm
    list_display = ("address", "provider", "rate", "enabled", _WHY_OFF, "is_default")
    fields = (
        *("provider", "address", "rate", "enabled", _WHY_OFF, "is_default"),
        *("opt_out_scope", "display_name"),
    )
    readonly_fields = (_WHY_OFF,)

    list_select_related = ("provider",)
    list_filter = ("provider",)
    search_fields = ("address",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What is most likely meant: the only provider there is, and the default where there is none."""
        likely: dict[str, Any] = {"is_default": not Sender.objects.filter(is_default=True).exists()}
        if len(providers := Provider.objects.exclude(pk=TEST_PROVIDER)[:2]) == 1:
            likely["provider"] = providers[0].pk
        asked: dict[str, Any] = super().get_changeform_initial_data(request)
        return likely | asked

    def response_add(self, request: HttpRequest, obj: Sender, post_url_continue: str | None = None) -> HttpResponse:
        """Back to its provider, where it is tried."""
        if "_continue" in request.POST or not request.user.has_perm("delivery.view_provider"):
            usual: HttpResponse = super().response_add(request, obj, post_url_continue)
            return usual
        messages.success(request, gettext("%(sender)s is a sender now. Send a test by it.") % {"sender": obj.address})
        return HttpResponseRedirect(reverse("admin:delivery_provider_change", args=[obj.provider_id]))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [name for name in self.fields if obj or name != _WHY_OFF]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # messages refer to it: it is switched off instead

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        senders.save(obj, form.changed_data)
