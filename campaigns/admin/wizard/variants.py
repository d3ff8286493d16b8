"""Variants of the message, at the end of its step."""

from typing import Any

from django.http import HttpRequest

from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign

TEMPLATE = "campaigns/admin/wizard/variants.html"


class VariantsForm(StepForm):
    """Nothing to choose yet."""


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {}
