"""The first step: what the campaign is called, and what people must have agreed to."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/about.html"


class AboutForm(StepForm):
    class Meta(StepForm.Meta):
        fields = ("name", "purpose")
        help_texts: dict[str, str | Promise] = {
            "purpose": _(
                "Nobody gets it who took back their consent to this; where consent must be recorded, only who gave it."
            )
        }
        widgets: Any = {"name": UnfoldAdminTextInputWidget(), "purpose": UnfoldAdminRadioSelectWidget()}


def done(campaign: Campaign) -> bool:
    return bool(campaign.name)
