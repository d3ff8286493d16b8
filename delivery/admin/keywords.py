"""The hub's own keywords, what is answered to keywords, and the account of what was."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contacts.admin.base import LargeTableAdmin, NumbersMixin, PageAdmin, ReadOnlyMixin
from delivery.inbound import confirmation_lint, own_words
from delivery.models import Confirmation, ConfirmationText, Keyword


class KeywordForm(forms.ModelForm):
    class Meta:
        model = Keyword
        fields = ("word", "meaning", "sender")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                own_words.check(Keyword(pk=self.instance.pk, **given))
            except own_words.UnusableWord as problem:
                raise forms.ValidationError({problem.field: str(problem)}) from None
        return given


@admin.register(Keyword)
class KeywordAdmin(PageAdmin):
    form = KeywordForm
    list_before_template = "delivery/admin/known_words.html"
    list_display = ("word", "meaning", "sender", "created_at")
    list_filter = ("meaning",)
    list_select_related = ("sender__provider",)
    fields = ("word", "meaning", "sender")

    def save_model(self, request: HttpRequest, obj: Keyword, form: Any, change: bool) -> None:
        own_words.save(obj)


class ConfirmationTextForm(forms.ModelForm):
    class Meta:
        model = ConfirmationText
        fields = ("meaning", "language", "sender", "body")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and (found := confirmation_lint.problems(ConfirmationText(**given))):
            raise forms.ValidationError({"body": found})
        return given


@admin.register(ConfirmationText)
class ConfirmationTextAdmin(PageAdmin):
    form = ConfirmationTextForm
    list_display = ("answer_to", "language", "sender", "body")
    list_filter = ("meaning",)
    list_select_related = ("sender__provider",)
    fields = ("meaning", "language", "sender", "body")

    @display(description=_("Answer to"))
    def answer_to(self, text: ConfirmationText) -> str:
        return text.get_meaning_display()


@admin.register(Confirmation)
class ConfirmationAdmin(NumbersMixin, ReadOnlyMixin, LargeTableAdmin):
    ordering = ("-message_id",)
    list_display = ("created_at", "meaning", "sender", "message")
    list_select_related = ("sender__provider",)
    fields = ("created_at", "meaning", "number", "sender", "message", "incoming_text")
    readonly_fields = fields

    @display(description=_("Message"))
    def message(self, confirmation: Confirmation) -> SafeString:
        url = reverse("admin:delivery_message_change", args=[confirmation.message_id])
        return format_html('<a class="sms-link" href="{}">{}</a>', url, confirmation.message_id)

    @display(description=_("Confirms"))
    def incoming_text(self, confirmation: Confirmation) -> SafeString:
        url = reverse("admin:delivery_inbound_change", args=[confirmation.inbound_id])
        return format_html('<a class="sms-link" href="{}">{}</a>', url, confirmation.inbound_id)
