"""When it leaves, and how fast: at once, at a moment, or at a time of everybody's own clock; all at once or spread."""

from datetime import time
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTimeWidget,
)

from campaigns.admin.forms import SpreadField
from campaigns.admin.wizard import windows
from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/timing.html"
SLUG = "time"
#: What is offered for a draft that has none.
LOCAL_TIME = time(10)
SPREAD_MINUTES = 120


class When(models.TextChoices):
    NOW = "now", gettext_lazy("At once, when you launch it")
    AT = "at", gettext_lazy("At a moment")
    LOCAL = "local", gettext_lazy("At a time of everybody's own clock")


class Speed(models.TextChoices):
    LIMITS = "limits", gettext_lazy("As fast as the limits allow")
    SPREAD = "spread", gettext_lazy("Evenly over a time")


class TimingForm(StepForm):
    """The choice decides; what was filled in for another one is let go."""

    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=When.choices,
        required=False,
        widget=UnfoldAdminRadioSelectWidget(attrs={"x-model": "when"}),
    )
    speed = forms.ChoiceField(
        label=gettext_lazy("How fast"),
        choices=Speed.choices,
        required=False,
        widget=UnfoldAdminRadioSelectWidget(attrs={"x-model": "speed"}),
    )
    spread_minutes = SpreadField(label=gettext_lazy("Spread over"))

    class Meta(StepForm.Meta):
        fields = ("scheduled_at", "local_time", "local_date", "local_passed", "spread_minutes")
        labels: dict[str, str | Promise] = {
            "scheduled_at": gettext_lazy("Launch at"),
            "local_time": gettext_lazy("At this time"),
            "local_date": gettext_lazy("On this day"),
            "local_passed": gettext_lazy("Where that time has passed"),
        }
        help_texts: dict[str, str | Promise] = {
            "local_time": "",
            "local_date": gettext_lazy("Empty: on the day that it is launched."),
            "local_passed": "",
        }
        field_classes: Any = {"scheduled_at": forms.SplitDateTimeField}
        widgets: Any = {
            "scheduled_at": UnfoldAdminSplitDateTimeWidget(),
            "local_time": UnfoldAdminTimeWidget(format="%H:%M"),
            "local_date": UnfoldAdminDateWidget(),
            "local_passed": UnfoldAdminRadioSelectWidget(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["when"].initial = _chosen(self.instance.scheduled_at, self.instance.local_time)
        self.fields["speed"].initial = _speed(self.instance.spread_minutes)
        # What stands there when the choice is made, so that it is right at once.
        self.initial["local_time"] = self.instance.local_time or LOCAL_TIME
        self.initial["spread_minutes"] = self.instance.spread_minutes or SPREAD_MINUTES
        self.fields["local_passed"].required = False
        zone = timezone.get_current_timezone_name()
        self.fields["scheduled_at"].help_text = _("Time zone: %(zone)s.") % {"zone": zone}

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        when = given.get("when") or _chosen(given.get("scheduled_at"), given.get("local_time"))
        if when == When.AT:
            self._ask_for("scheduled_at", _("Say when it is to be launched."))
        else:
            self._let_go("scheduled_at")
        if when == When.LOCAL:
            self._ask_for("local_time", _("Say at what time."))
            given["local_passed"] = given.get("local_passed") or Campaign.LocalPassed.NEXT_DAY
        else:
            self._let_go("local_time", "local_date")
            given["local_passed"] = self.instance.local_passed
        if when == When.LOCAL or (given.get("speed") or _speed(given.get("spread_minutes"))) == Speed.LIMITS:
            self._let_go("spread_minutes")
        else:
            self._ask_for("spread_minutes", _("Say over how long."))
        return given

    def _ask_for(self, name: str, sentence: str) -> None:
        if name not in self.errors and self.cleaned_data.get(name) is None:
            self.add_error(name, sentence)

    def _let_go(self, *names: str) -> None:
        for name in names:
            self.errors.pop(name, None)
            self.cleaned_data[name] = None

    def keep(self) -> None:
        """All that is right: what was let go was perhaps not changed on the page."""
        self.full_clean()
        right = [name for name in self._meta.fields or () if name in self.cleaned_data]
        for name in right:
            setattr(self.instance, name, self.cleaned_data[name])
        self.instance.save(update_fields=right)


def _chosen(scheduled_at: object, local_time: object) -> When:
    return When.LOCAL if local_time else When.AT if scheduled_at else When.NOW


def _speed(spread_minutes: object) -> Speed:
    return Speed.SPREAD if spread_minutes else Speed.LIMITS


def done(campaign: Campaign) -> bool:
    return True


def ticked(campaign: Campaign) -> bool:
    """At once is right for most, but chosen only when somebody has seen the step."""
    said = campaign.scheduled_at or campaign.local_time or campaign.spread_minutes
    return bool(said) or windows.was_left(campaign, SLUG)


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {"hours_url": reverse("admin:campaigns_campaign_hours", args=[campaign.pk])}


def in_words(campaign: Campaign) -> str:
    """When it leaves, in a sentence's piece."""
    if campaign.local_time:
        clock = formats.time_format(campaign.local_time, "H:i")
        if campaign.local_date:
            day = formats.date_format(campaign.local_date, _("j F Y"))
            return _("%(day)s, %(time)s by everybody's own clock") % {"day": day, "time": clock}
        return _("%(time)s by everybody's own clock") % {"time": clock}
    if campaign.scheduled_at:
        return formats.date_format(timezone.localtime(campaign.scheduled_at), _("l j F Y, H:i ")) + (
            timezone.get_current_timezone_name()
        )
    return _("At once")
