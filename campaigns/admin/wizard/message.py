"""What people get."""

from typing import Any

from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/message.html"


class MessageForm(StepForm):
    class Meta(StepForm.Meta):
        fields = ("template",)
        widgets: Any = {"template": UnfoldAdminSelectWidget()}


def done(campaign: Campaign) -> bool:
    return campaign.template_id is not None and not campaign.draft_text


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {}
