"""Allowed hours and frequency caps: the rules that staff edit."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contacts import areas, whereabouts
from contacts.admin.base import PageAdmin
from contacts.importing.values import country_code
from delivery import clock
from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap
from delivery.timerules.bound import MAY_BE_BOUND
from delivery.timerules.opening import DayKind, Hours, NeverOpen, next_window


class AreaForm(forms.ModelForm):
    def clean_country(self) -> str:
        written = self.cleaned_data["country"].strip()
        country = country_code(written) if written else ""
        if country is None:
            raise forms.ValidationError(gettext("There is no such country; use its two letters, such as GB or FR."))
        return country

    def clean_state(self) -> str:
        return str(self.cleaned_data["state"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        country, state = data.get("country", ""), data.get("state", "")
        if state and country in ("US", "CA") and f"{country}-{state}" not in areas.AREA_CODES:
            self.add_error("state", gettext("There is no such state; use its two letters, such as FL."))
        return data


class AllowedHoursForm(AreaForm):
    class Meta:
        model = AllowedHours
        fields = (
            *("country", "state", "enabled", "weekday_from", "weekday_until", "saturday_from", "saturday_until"),
            *("sunday_from", "sunday_until", "holidays", "source"),
        )

    def clean(self) -> dict[str, Any]:
        """What would never let a text arrive is refused here, for nobody would notice it before the morning after."""
        data = super().clean()
        for kind in DayKind:
            opens, closes = data.get(f"{kind}_from"), data.get(f"{kind}_until")
            if (opens is None) != (closes is None):
                self.add_error(f"{kind}_until", gettext("Give both times, or neither for a day without texts."))
            elif opens is not None and closes is not None:
                try:
                    Hours(opens, closes)
                except ValueError:
                    self.add_error(
                        f"{kind}_until", gettext("This is before the hours begin. The end of the day is 00:00.")
                    )
        if not self.errors:
            line = AllowedHours(**{name: data[name] for name in self.Meta.fields})
            zones = whereabouts.zones_of_area(line.country, line.area)
            try:
                next_window(clock.now(), zones, [line.rule])
            except NeverOpen:
                where = (
                    " " + gettext("in all %(number)s time zones there at once") % {"number": len(zones)}
                    if len(zones) > 1
                    else ""
                )
                raise forms.ValidationError(
                    gettext("These hours leave no moment that is allowed%(where)s.") % {"where": where}
                ) from None
        return data


class FrequencyCapForm(AreaForm):
    class Meta:
        model = FrequencyCap
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
