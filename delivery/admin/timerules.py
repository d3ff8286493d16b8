"""Allowed hours and frequency caps: the rules that staff edit."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contacts.admin.base import PageAdmin, PlaceField
from contacts.unusable import Unusable
from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap
from delivery.timerules import lines
from delivery.timerules.bound import MAY_BE_BOUND
from delivery.timerules.opening import DayKind


class AreaForm(forms.ModelForm):
    check: Callable[[Any], None]
    country = PlaceField(help_text=_("Two letters or the name, such as US. Empty: any other."))

    def clean_state(self) -> str:
        return str(self.cleaned_data["state"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.check(self._meta.model(pk=self.instance.pk, **data))
            except Unusable as problem:
                self.add_error(problem.field or None, str(problem))
        return data


_LABELS = {"state": pgettext_lazy("of a country", "State")}
_TIMES = tuple(f"{kind}_{end}" for kind in DayKind for end in ("from", "until"))


class AllowedHoursForm(AreaForm):
    check = staticmethod(lines.check_hours)

    class Meta:
        model = AllowedHours
        labels = _LABELS
        fields = (
            *("country", "state", "enabled", "weekday_from", "weekday_until", "saturday_from", "saturday_until"),
            *("sunday_from", "sunday_until", "holidays", "source"),
        )


class FrequencyCapForm(AreaForm):
    check = staticmethod(lines.check_cap)

    class Meta:
        model = FrequencyCap
        labels = _LABELS
        fields = ("country", "state", "lane", "most", "hours", "over", "enabled", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "lane" in self.fields:
            lane: Any = self.fields["lane"]
            lane.choices = [
                ("", gettext("All of these together")),
                *((each.value, each.label) for each in MAY_BE_BOUND),
            ]


def _hours(line: AllowedHours, kind: DayKind) -> str:
    opens, closes = getattr(line, f"{kind}_from"), getattr(line, f"{kind}_until")
    return f"{opens:%H:%M}–{closes:%H:%M}" if opens is not None and closes is not None else gettext("None")


@admin.register(AllowedHours)
class AllowedHoursAdmin(PageAdmin):
    form = AllowedHoursForm
    list_display = ("where", "weekdays", "saturdays", "sundays", "holidays", "enabled", "source")
    list_display_links = ("where",)
    list_filter = ("enabled",)
    search_fields = ("country", "state")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The hours of all other countries, to begin from: an empty line would let no text through."""
        usual = AllowedHours.objects.filter(country="", state="").values(*_TIMES).first() or {}
        asked: dict[str, Any] = super().get_changeform_initial_data(request)
        return usual | asked

    @display(description=_("Where"), ordering="country")
    def where(self, line: AllowedHours) -> str:
        return str(line)

    @display(description=_("Monday to Friday"))
    def weekdays(self, line: AllowedHours) -> str:
        return _hours(line, DayKind.WEEKDAY)

    @display(description=_("Saturday"))
    def saturdays(self, line: AllowedHours) -> str:
        return _hours(line, DayKind.SATURDAY)

    @display(description=_("Sunday"))
    def sundays(self, line: AllowedHours) -> str:
        return _hours(line, DayKind.SUNDAY)


@admin.register(FrequencyCap)
class FrequencyCapAdmin(PageAdmin):
    empty_list = _("How many texts a person gets at most within some hours or a day.")
    form = FrequencyCapForm
    list_display = ("where", "category", "most", "within", "over", "enabled", "source")
    list_display_links = ("where",)
    list_filter = ("enabled",)

    @display(description=_("Where"), ordering="country")
    def where(self, cap: FrequencyCap) -> str:
        return cap.area or gettext("Everywhere")

    @display(description=_("Category"))
    def category(self, cap: FrequencyCap) -> str:
        return gettext("All") if cap.lane is None else str(Lane(cap.lane).label)

    @display(description=_("Within"))
    def within(self, cap: FrequencyCap) -> str:
        return gettext("a calendar day") if cap.hours is None else gettext("%(hours)s hours") % {"hours": cap.hours}
