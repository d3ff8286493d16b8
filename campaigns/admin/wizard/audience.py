"""Who it goes to."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from campaigns.admin.forms import ListChoice
from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign
from contacts.models import ContactList

TEMPLATE = "campaigns/admin/wizard/audience.html"


class AudienceForm(StepForm):
    include = ListChoice(
        label=_("Send to"),
        queryset=ContactList.objects.all(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("Everyone on any of these lists, each person once."),
        error_messages={"required": _("Choose a list to send to.")},
    )
    exclude = ListChoice(
        label=_("Leave out"),
        queryset=ContactList.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("Nobody who is on one of these. Who may not be texted is left out in any case."),
    )

    class Meta(StepForm.Meta):
        fields = ("include", "exclude")


def done(campaign: Campaign) -> bool:
    return campaign.include.exists()


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {}
