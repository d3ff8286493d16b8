"""What staff fill in beside the wizard: a draft's further settings, a time, limits, a reason."""

from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.models import MAX_SPREAD_MINUTES, Campaign
from contacts.wording import figure


class TextField(forms.CharField):
    """A text of several lines, which browsers post with two characters between each."""

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ListChoice(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({figure(obj.size)})"


class HoursAndMinutes(forms.MultiWidget):
    """Minutes, as people say them."""

    template_name = "campaigns/admin/hours_and_minutes.html"

    def __init__(self) -> None:
        number = {"min": 0, "inputmode": "numeric"}
        super().__init__(
            {"hours": UnfoldAdminIntegerFieldWidget(number), "minutes": UnfoldAdminIntegerFieldWidget(number)}
        )

    def decompress(self, value: Any) -> list[int | None]:
        return list(divmod(value, 60)) if value else [None, None]


class SpreadField(forms.MultiValueField):
    """Over how many minutes a campaign is spread; None where nothing was filled in."""

    widget = HoursAndMinutes

    def __init__(self, **kwargs: Any) -> None:
        number = partial(forms.IntegerField, min_value=0, max_value=MAX_SPREAD_MINUTES, required=False)
        super().__init__((number(), number()), require_all_fields=False, required=False, **kwargs)

    def compress(self, data_list: list[int | None]) -> int | None:
        if all(number is None for number in data_list):
            return None
        minutes = 60 * (data_list[0] or 0) + (data_list[1] or 0)
        if not 1 <= minutes <= MAX_SPREAD_MINUTES:
            most = figure(MAX_SPREAD_MINUTES // 60)
            raise forms.ValidationError(gettext("It may be spread over 1 minute to %(most)s hours.") % {"most": most})
        return minutes


class CampaignForm(forms.ModelForm):
    """What no step of the wizard asks for."""

    class Meta:
        model = Campaign
        fields = ("lane", "max_segments", "max_cost")
        labels: dict[str, Any] = {"max_segments": _("Segments at most")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "max_cost" in self.fields:  # Who may not change it is shown what is the model's own.
            self.fields["max_cost"].label = gettext("%(currency)s at most") % {"currency": settings.CURRENCY}


class ScheduleForm(forms.Form):
    at = forms.SplitDateTimeField(label=_("Launch at"), widget=UnfoldAdminSplitDateTimeWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = gettext("Time zone: %(zone)s.") % {"zone": timezone.get_current_timezone_name()}


class LimitForm(forms.Form):
    spread_minutes = SpreadField(
        label=_("Spread the rest, from now, over"), help_text=_("Empty: as fast as the limits allow.")
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
