"""Reminder rules, with what they are about to do; and reminders, with what became of each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from campaigns import templates
from campaigns.admin.upcoming import upcoming_page
from campaigns.models import Appointment, Reminder, ReminderRule
from campaigns.models.reminders import coming
from campaigns.reminders import reasons, rules
from contacts.admin.attributes import AttributesField
from contacts.admin.base import LargeTableAdmin, PageAdmin, ReadOnlyMixin
from delivery import testcarrier


class RuleForm(forms.ModelForm):
    attributes = AttributesField(
        label=_("With"), help_text=_("Only appointments that have all of these, one on each line, as name: value.")
    )
    statuses = forms.MultipleChoiceField(
        label=_("Statuses"),
        choices=[choice for choice in Appointment.Status.choices if choice[0] != Appointment.Status.CANCELLED],
        initial=coming,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    class Meta:
        model = ReminderRule
        fields = (
            *("name", "enabled", "kind", "attributes", "statuses", "amount", "unit", "direction", "at_time"),
            *("valid_minutes", "template", "sender", "lane", "cancel_template"),
            *("reply_expected", "unanswered_minutes", "next_rule"),
        )
        labels = {
            "amount": _("How long"),
            "unit": _("In"),
            "direction": _("Before or after"),
            "at_time": _("At what time"),
            "valid_minutes": _("Minutes that it may be late"),
            "template": _("Template of the text"),
            "cancel_template": _("Template if it is cancelled"),
            "unanswered_minutes": _("Minutes to wait for an answer"),
        }
        help_texts = {
            "kind": _("Appointments of this kind, written as in your file. Empty: of any."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "template" not in self.fields:
            return  # Shown to somebody who may not change it, without what is the model's own.
        for name in ("template", "cancel_template"):
            chosen: Any = self.fields[name]
            chosen.queryset = templates.offered()
        self.fields["template"].help_text = format_html(
            '<a class="sms-link" href="{}" target="_blank">{}</a>',
            reverse("admin:campaigns_template_add"),
            gettext("Write a new one, in a tab of its own"),
        )
        sender: Any = self.fields["sender"]
        sender.queryset = testcarrier.live_senders()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                rules.check(ReminderRule(pk=self.instance.pk, **given))
            except rules.UnusableRule as problem:
                raise forms.ValidationError({problem.field: str(problem)}) from None
        return given


@admin.register(ReminderRule)
class ReminderRuleAdmin(PageAdmin):
    form = RuleForm
    empty_list = _(
        "Which appointments are reminded of, when, and with which template. A second reminder is a second rule."
    )
    list_display = ("name", "when", "kind", "template", "reply_expected", "enabled")
    list_filter = ("enabled",)
    list_select_related = ("template",)
    search_fields = ("name",)
    readonly_fields = ("upcoming", "says")
    fieldsets = (
        (None, {"fields": ("name", "enabled")}),
        (_("Which appointments"), {"fields": ("kind", "attributes", "statuses")}),
        (_("When"), {"fields": (("amount", "unit", "direction"), "at_time", "valid_minutes")}),
        (_("What"), {"fields": ("template", "sender", "lane", "cancel_template")}),
        (_("Answers"), {"fields": ("reply_expected", "unanswered_minutes", "next_rule")}),
        (_("What it is about to do"), {"fields": ("says", "upcoming")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is switched off instead: reminders refer to it

    def save_model(self, request: HttpRequest, obj: ReminderRule, form: Any, change: bool) -> None:
        rules.save(obj)

    @display(description=_("When"))
    def when(self, rule: ReminderRule) -> str:
        return rules.in_words(rule)

    @display(description=_("Next"))
    def upcoming(self, rule: ReminderRule) -> SafeString | str:
        if not rule.pk:
            return gettext("Save it first.")
        found = rules.preview(rule)
        lines = [(f"{row.due_at:%Y-%m-%d %H:%M}", row.appointment.contact) for row in found.upcoming]
        waiting = " " + gettext("It is planned anew within a moment.") if rule.replan else ""
        if not lines:
            return gettext("Nothing is planned.") + waiting
        listed = format_html_join("", "<li>{} UTC: {}</li>", lines)
        everything = format_html(
            '<a class="sms-link" href="{}?rule={}">{}</a>',
            reverse("admin:campaigns_reminder_upcoming"),
            rule.pk,
            gettext("The next two weeks"),
        )
        return format_html("<ul>{}</ul>{} {}", listed, everything, waiting)

    @display(description=_("Text"))
    def says(self, rule: ReminderRule) -> str:
        if not rule.pk:
            return gettext("Save it first.")
        found = rules.preview(rule, most=1)
        return found.text or found.problem


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyMixin, LargeTableAdmin):
    empty_list = _("Reminders follow by themselves, as soon as there are appointments that a rule is about.")
    list_display = ("due_at", "contact", "rule", "purpose", "state", "why")
    list_filter = ("state", "rule")
    list_select_related = ("appointment__contact", "rule")
    fields = (
        "appointment",
        "contact",
        "rule",
        "purpose",
        "time_version",
        "due_at",
        "valid_until",
        "state",
        "why",
        "message_link",
        "submitted_at",
        "escalate_at",
    )

    def pages(self) -> Any:
        return {"upcoming": ("upcoming/", self.upcoming_view)}

    def upcoming_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.page(
            request,
            "campaigns/admin/upcoming.html",
            title=gettext("Next two weeks"),
            rules=ReminderRule.objects.filter(enabled=True),
            **upcoming_page(request),
        )

    @display(description=_("Contact"))
    def contact(self, reminder: Reminder) -> str:
        return str(reminder.appointment.contact)

    @display(description=_("Reason"))
    def why(self, reminder: Reminder) -> str:
        return reasons.in_words(reminder.reason) or "–"

    @display(description=_("Message"))
    def message_link(self, reminder: Reminder) -> SafeString | str:
        if not reminder.message_id:
            return "–"
        url = reverse("admin:delivery_message_change", args=[reminder.message_id])
        return format_html('<a class="sms-link" href="{}">{}</a>', url, reminder.message_id)
