"""What staff fill in: a draft, a time, limits, a reason."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns import templates
from campaigns.models import MAX_SPREAD_MINUTES, Campaign, Template
from contacts.models import ContactList
from delivery import testcarrier


class TextField(forms.CharField):
    """A text of several lines, which browsers post with two characters between each."""

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ListChoice(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.size:,})"


class CampaignForm(forms.ModelForm):
    include = ListChoice(
        label=_("Send to"),
        queryset=ContactList.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("Everyone on any of these lists, each person once."),
    )
    exclude = ListChoice(
        label=_("Leave out"),
        queryset=ContactList.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("Nobody who is on one of these. Who may not be texted is left out in any case."),
    )

    class Meta:
        model = Campaign
        fields = (
            "name",
            "template",
            "sender",
            "lane",
            "purpose",
            "include",
            "exclude",
            "on_missing",
            "hold_out_percent",
            "local_time",
            "local_date",
            "local_passed",
            "spread_minutes",
            "max_segments",
            "max_cost",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "template" not in self.fields:
            return  # Shown to somebody who may not change it, without what is the model's own.
        chosen: Any = self.fields["template"]
        own = Template.objects.filter(pk=self.instance.template_id, archived=False)
        chosen.queryset = templates.offered() | own
        chosen.empty_label = gettext("Choose a template")
        # Not sent at all it keeps what it is; a new campaign is marketing.
        for kept in ("purpose", "hold_out_percent", "local_passed"):
            self.fields[kept].required = False
        self.fields["on_missing"].label = gettext("If a contact lacks a variable")
        self.fields["spread_minutes"].label = gettext("Spread over minutes")
        self.fields["max_segments"].label = gettext("Segments at most")
        self.fields["max_cost"].label = gettext("%(currency)s at most") % {"currency": settings.CURRENCY}
        sender: Any = self.fields["sender"]
        sender.queryset = testcarrier.live_senders().filter(enabled=True).order_by("address")
        sender.empty_label = gettext("By the routes, or the default sender")

    def clean_hold_out_percent(self) -> int:
        given: int | None = self.cleaned_data["hold_out_percent"]
        present: int = self.instance.hold_out_percent
        return present if given is None else given


class ScheduleForm(forms.Form):
    at = forms.SplitDateTimeField(label=_("Launch at"), widget=UnfoldAdminSplitDateTimeWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = gettext("Time zone: %(zone)s.") % {"zone": timezone.get_current_timezone_name()}


class LimitForm(forms.Form):
    spread_minutes = forms.IntegerField(
        label=_("Spread the rest over minutes, from now"),
        min_value=1,
        max_value=MAX_SPREAD_MINUTES,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("Empty: as fast as the limits allow."),
    )
    max_segments = forms.IntegerField(
        label=_("Segments at most"),
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("It is paused when so many have left. Empty: no such limit."),
    )

    max_cost = forms.DecimalField(
        label=_("Money at most"),
        min_value=Decimal("0.00001"),
        max_digits=14,
        decimal_places=5,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=_("By the price list. It is paused before it costs more. Empty: no such limit."),
    )


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Kept in the campaign's history."),
    )
