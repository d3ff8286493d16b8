"""Senders: what recipients see, and which of them is the default."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from contacts.admin.base import PageAdmin
from delivery.models import TEST_PROVIDER, Sender
from delivery.routing.senders import review_queue


class SenderForm(forms.ModelForm):
    class Meta:
        model = Sender
        fields = ("provider", "address", "rate", "enabled", "is_default", "opt_out_scope", "display_name")

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] = super().clean() or {}
        provider = cleaned.get("provider", getattr(self.instance, "provider", None))
        if cleaned.get("is_default") and provider and provider.pk == TEST_PROVIDER:
            self.add_error("is_default", _("The test carrier reaches nobody: its sender cannot be the default."))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # A new default takes the place of the old one.
        return super()._get_validation_exclusions() | {"is_default"}  # type: ignore[misc, no-any-return]


@admin.register(Sender)
class SenderAdmin(PageAdmin):
    form = SenderForm
    list_display = ("address", "provider", "rate", "enabled", "disabled_reason", "is_default")
    fields = (
        *("provider", "address", "rate", "enabled", "disabled_reason", "is_default"),
        *("opt_out_scope", "display_name"),
    )
    readonly_fields = ("disabled_reason",)
    list_select_related = ("provider",)
    list_filter = ("provider",)
    search_fields = ("address",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # messages refer to it: it is switched off instead

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        """Writes what was changed and no more: a sender that was switched off meanwhile stays off."""
        changed = set(form.changed_data)
        if "enabled" in changed:
            obj.disabled_reason = "" if obj.enabled else _("Switched off by staff.")
            changed.add("disabled_reason")
        if obj.is_default:
            Sender.objects.filter(is_default=True).exclude(pk=obj.pk).update(is_default=False)
        obj.save(update_fields=changed if change else None)
        if change and "enabled" in changed and not obj.enabled:
            review_queue(obj.provider_id)
