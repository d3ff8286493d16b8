"""What people get: a text that is taken from a template or written right there, seen as each of them will see it."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns import audience, optout_lint, simpler, templates, writing
from campaigns.admin.texts import pieces, replacements
from campaigns.admin.wizard.forms import StepForm
from campaigns.errors import InvalidTemplate
from campaigns.links import targets
from campaigns.models import Campaign, Link, Template
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import select, text_area
from contacts.masking import may_see_numbers
from delivery import testcarrier

TEMPLATE = "campaigns/admin/wizard/message.html"

#: How many of its people the preview leafs through.
PEOPLE = 50
#: Variables that are offered at a click; a text may use any.
MOST_VARIABLES = 30
#: What can stand between braces as it is.
_NAME = re.compile(r"[A-Za-z_][\w-]*\Z")
#: Said by the button that takes a template's text: this step is asked for again.
SLUG = "message"


class TextField(forms.CharField):
    """A text of several lines, which browsers post with two characters between each."""

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class MessageForm(StepForm):
    use = forms.ModelChoiceField(
        label=_("Start from a template"),
        queryset=Template.objects.none(),
        required=False,
        empty_label=_("Choose a template"),
        widget=select(),
    )
    text = TextField(
        label=_("Text"),
        strip=False,
        max_length=MAX_TEMPLATE,
        widget=text_area(7, spellcheck="true"),
        error_messages={"required": _("Write a text, or start from a template.")},
    )
    link = forms.CharField(
        label=_("Where {{ link }} leads"),
        required=False,
        max_length=targets.MAX_TARGET,
        validators=[targets.validate],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://", "inputmode": "url"}),
        help_text=_("A short link in the text, counted for each person. Empty: the text has none."),
    )

    class Meta(StepForm.Meta):
        fields = ("sender", "on_missing")
        labels: dict[str, str | Promise] = {"on_missing": _("If a contact lacks a variable")}
        widgets: Any = {"sender": UnfoldAdminSelectWidget(), "on_missing": UnfoldAdminSelectWidget()}
        help_texts: Any = {"sender": "", "on_missing": ""}

    field_order = ("use", "text", "link", "sender", "on_missing")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["use"]
        chosen.queryset = templates.offered()
        sender: Any = self.fields["sender"]
        sender.label = _("From")
        sender.queryset = testcarrier.live_senders().filter(enabled=True).order_by("address")
        sender.empty_label = _("By the routes, or the default sender")
        self.fields["text"].initial = writing.text(self.instance)
        self.fields["link"].initial = (
            self.instance.links.filter(name=targets.DEFAULT).values_list("target", flat=True).first()
        )

    @property
    def takes(self) -> bool:
        """Whether the button beside the templates was pressed."""
        return self.data.get("go") == SLUG and bool(self.data.get("use"))

    def clean(self) -> dict[str, Any] | None:
        if self.takes:
            self.errors.pop("text", None)
        return super().clean()

    def keep(self) -> None:
        super().keep()
        if self.takes and (template := self.cleaned_data.get("use")):
            writing.take(self.instance, template)
        elif "text" in self.cleaned_data:
            writing.keep(self.instance, self.cleaned_data["text"])
        if "link" in self.cleaned_data and "link" in self.changed_data:
            self._lead_to(self.cleaned_data["link"])

    def finish(self, actor: AbstractBaseUser) -> None:
        try:
            writing.finish(self.instance, actor)
        except InvalidTemplate as error:
            for problem in error.problems:
                self.add_error(
                    "text", str(_("Line %(line)d: %(what)s") % {"line": problem.line, "what": problem.message})
                )

    def _lead_to(self, target: str) -> None:
        own = Link.objects.filter(campaign=self.instance, name=targets.DEFAULT)
        if not target:
            own.delete()
        elif not own.update(target=target):
            own.create(campaign=self.instance, name=targets.DEFAULT, target=target)


def done(campaign: Campaign) -> bool:
    return campaign.template_id is not None and not campaign.draft_text


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {
        "variables": ["link", *variables()],
        "preview_url": reverse("admin:campaigns_campaign_preview", args=[campaign.pk]),
        "own_text": campaign.template is None or campaign.template.of_campaign or bool(campaign.draft_text),
    }


def variables() -> list[str]:
    """What contacts have, the first name first."""
    known = sorted(name for name in audience.known_variables() if _NAME.match(name))
    return sorted(known, key=lambda name: name != "first_name")[:MOST_VARIABLES]


def preview(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """The posted text as one person of the audience will see it, and what is wrong with it or could be better."""
    body = request.POST.get("text", "")[: MAX_TEMPLATE + 1].replace("\r\n", "\n")
    people = audience.sample(campaign, PEOPLE) if may_see_numbers(request.user) else []
    asked = request.POST.get("person", "0")
    at = min(int(asked), max(0, len(people) - 1)) if asked.isdecimal() and len(asked) < 4 else 0
    version = templates.latest(campaign.template) if campaign.template else None
    translated = writing.translation(campaign, people[at].language) if people else ""
    shown = templates.preview(
        body=translated or body,
        smart_encoding=version.smart_encoding if version else True,
        contact=people[at] if people else None,
    )
    return {
        "preview": shown,
        "pieces": pieces(shown),
        "replacements": replacements(shown),
        "translated": bool(translated),
        "fixes": () if translated else simpler.fixes(body, shown.segmentation.forcing),
        "lacks_opt_out": optout_lint.lacks_opt_out(campaign, body),
        "person": people[at] if people else None,
        "at": at,
        "shown_as": at + 1,
        "before": at - 1 if at else None,
        "after": at + 1 if at + 1 < len(people) else None,
        "people": len(people),
        "preview_url": reverse("admin:campaigns_campaign_preview", args=[campaign.pk]),
    }
