"""The first step: what the campaign is called, and what people must have agreed to."""

from typing import Any

from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/about.html"


class AboutForm(StepForm):
    class Meta(StepForm.Meta):
        fields = ("name", "purpose")
        widgets: Any = {"name": UnfoldAdminTextInputWidget(), "purpose": UnfoldAdminRadioSelectWidget()}


def done(campaign: Campaign) -> bool:
    return bool(campaign.name)
