"""When it leaves, and how fast."""

from typing import Any

from django.forms import SplitDateTimeField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSplitDateTimeWidget

from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/timing.html"


class TimingForm(StepForm):
    class Meta(StepForm.Meta):
        fields = ("scheduled_at", "spread_minutes")
        labels: Any = {"scheduled_at": _("Launch at"), "spread_minutes": _("Spread over minutes")}
        field_classes: Any = {"scheduled_at": SplitDateTimeField}
        widgets: Any = {
            "scheduled_at": UnfoldAdminSplitDateTimeWidget(),
            "spread_minutes": UnfoldAdminIntegerFieldWidget(),
        }


def done(campaign: Campaign) -> bool:
    return True


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {}
