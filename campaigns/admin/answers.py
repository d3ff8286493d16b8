"""Answer rules, automatic replies and canned replies: what staff set up for conversations."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from campaigns.conversations import rules
from campaigns.models import AnswerRule, AutoReply, CannedReply
from campaigns.reminders.rules import UnusableRule
from contacts.admin.attributes import AttributesField
from contacts.admin.base import PageAdmin, text_area
from delivery import testcarrier
from delivery.submit import MAX_BODY


def _texts(label: Promise, help_text: Promise) -> AttributesField:
    return AttributesField(
        label=label,
        widget=text_area(4, placeholder="en: We are closed until Monday.\nes: Cerrado hasta el lunes."),
        help_text=help_text,
    )


class WordsField(AttributesField):
    """Lists of words by language, as lines `es: sí, confirmo`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            value = {tag: ", ".join(map(str, words)) for tag, words in value.items()}
        return super().prepare_value(value)

    def clean(self, value: Any) -> dict[str, Any]:
        lines = super().clean(value)
        return {
            tag: words if isinstance(words, list) else [word.strip() for word in words.split(",") if word.strip()]
            for tag, words in lines.items()
        }


class AnswerRuleForm(forms.ModelForm):
    words = WordsField(
        label=_("Words"),
        widget=text_area(4, placeholder="any: 1, c\nes: confirmo"),
        help_text=_("One language on each line, as tag: words with commas; “any” for those of every language."),
    )
    replies = _texts(_("What is said"), _("One language on each line, as tag: text. Empty: the usual."))

    class Meta:
        model = AnswerRule
        fields = ("name", "enabled", "rule", "kind", "words", "action", "replies")

    def clean(self) -> dict[str, Any]:
        return _checked(self, super().clean() or {}, lambda given: rules.check_answer(AnswerRule(**given)))


@admin.register(AnswerRule)
class AnswerRuleAdmin(PageAdmin):
    form = AnswerRuleForm
    list_display = ("name", "counts", "action", "rule", "kind", "enabled")
    list_filter = ("enabled", "action")
    list_select_related = ("rule",)
    fields = ("name", "enabled", "rule", "kind", "words", "action", "replies")

    @display(description=_("Words"))
    def counts(self, rule: AnswerRule) -> str:
        return ", ".join(str(word) for words in rule.words.values() for word in words)[:80]


class AutoReplyForm(forms.ModelForm):
    open_texts = _texts(_("Said within business hours"), _("One language on each line, as tag: text. Empty: nothing."))
    closed_texts = _texts(_("Said outside of them"), _("One language on each line, as tag: text. Empty: nothing."))

    class Meta:
        model = AutoReply
        fields = (
            *("sender", "enabled", "time_zone", "country", "state", "weekday_from", "weekday_until", "saturday_from"),
            *("saturday_until", "sunday_from", "sunday_until", "holidays", "open_texts", "closed_texts"),
            "hours_between",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "sender" not in self.fields:
            return  # Shown to somebody who may not change it, without what is the model's own.
        sender: Any = self.fields["sender"]
        sender.queryset = testcarrier.live_senders()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).strip().upper()

    def clean_state(self) -> str:
        return str(self.cleaned_data["state"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        return _checked(self, super().clean() or {}, lambda given: rules.check_auto_reply(AutoReply(**given)))


@admin.register(AutoReply)
class AutoReplyAdmin(PageAdmin):
    form = AutoReplyForm
    list_display = ("of", "time_zone", "country", "hours_between", "enabled")
    list_select_related = ("sender__provider",)
    fieldsets = (
        (None, {"fields": ("sender", "enabled")}),
        (
            _("Business hours"),
            {
                "fields": (
                    ("weekday_from", "weekday_until"),
                    ("saturday_from", "saturday_until"),
                    ("sunday_from", "sunday_until"),
                    ("holidays", "time_zone"),
                    ("country", "state"),
                )
            },
        ),
        (_("What is said"), {"fields": ("open_texts", "closed_texts", "hours_between")}),
    )

    @display(description=_("Sender"))
    def of(self, reply: AutoReply) -> str:
        return str(reply)


class CannedReplyForm(forms.ModelForm):
    body = forms.CharField(
        label=_("Text"),
        max_length=MAX_BODY,
        widget=text_area(4),
        help_text=_("{{ first_name }} is the contact's own, and may be changed before it is sent."),
    )

    class Meta:
        model = CannedReply
        fields = ("name", "language", "body")


@admin.register(CannedReply)
class CannedReplyAdmin(PageAdmin):
    form = CannedReplyForm
    empty_list = _("Texts that you often answer with: the inbox offers them below each conversation.")
    list_display = ("name", "language", "body")
    search_fields = ("name",)
    fields = ("name", "language", "body")


def _checked(form: forms.ModelForm, given: dict[str, Any], check: Any) -> dict[str, Any]:
    if not form.errors:
        try:
            check(given)
        except UnusableRule as problem:
            raise forms.ValidationError({problem.field: str(problem)}) from None
    return given
