"""Who it goes to: lists, and rules that narrow them. `campaigns.admin.audience` tells beside it what that comes to."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from campaigns import audience, audience_rules
from campaigns.admin.forms import ListChoice
from campaigns.admin.wizard.forms import StepForm
from campaigns.audience_rules import ATTRIBUTE, OPS, SHAPES, Match, Op, RulesError
from campaigns.audience_words import FIELDS
from campaigns.models import Campaign
from contacts.models import ContactList

TEMPLATE = "campaigns/admin/wizard/audience.html"


class RulesField(forms.JSONField):
    """Rules as the page's script writes them into a hidden field."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        given = super().to_python(value)
        try:
            return audience_rules.as_json(audience_rules.parse({} if given is None else given))
        except RulesError as error:
            raise ValidationError(error.numbered) from None


class AudienceForm(StepForm):
    include = ListChoice(
        label=gettext_lazy("Send to"),
        queryset=ContactList.objects.all(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=gettext_lazy("Everyone on any of these lists, each person once."),
        error_messages={"required": gettext_lazy("Choose a list to send to.")},
    )
    exclude = ListChoice(
        label=gettext_lazy("Leave out"),
        queryset=ContactList.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=gettext_lazy("Nobody who is on one of these. Who may not be texted is left out in any case."),
    )
    rules = RulesField(required=False)

    class Meta(StepForm.Meta):
        fields = ("include", "exclude", "rules")

    class Media:
        js = ("smshub/rules.js",)


def done(campaign: Campaign) -> bool:
    return campaign.include.exists()


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """The vocabulary of rules, for the page's script and its lists of choices."""
    vocabulary = {
        "attribute": ATTRIBUTE,
        "ops": {field: [op.value for op in ops] for field, ops in OPS.items()},
        "shapes": {op.value: shape.name.lower() for op, shape in SHAPES.items()},
        "words": {op.value: str(op.label) for op in Op},
    }
    known = audience.known_variables() - {*audience.COLUMNS, "first_name"}
    return {"vocabulary": vocabulary, "fields": FIELDS, "matches": Match.choices, "attributes": sorted(known)}
