"""Senders: what recipients see, and which of them is the default."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MinValueValidator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contacts.admin.base import PageAdmin, kept
from contacts.unusable import Unusable
from delivery.models import Sender
from delivery.routing import senders

_WHY_OFF = kept("disabled_reason")


class SenderForm(forms.ModelForm):
    class Meta:
        model = Sender
        fields = ("provider", "address", "rate", "enabled", "is_default", "opt_out_scope", "display_name")
        labels = {"is_default": _("Default")}

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

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [name for name in self.fields if obj or name != _WHY_OFF]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # messages refer to it: it is switched off instead

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        senders.save(obj, form.changed_data)
