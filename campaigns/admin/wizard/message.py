"""What people get: a text that is taken from a template or written right there, in one language or several."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns import audience, templates, writing
from campaigns.admin import translations
from campaigns.admin.forms import TextField
from campaigns.admin.wizard.forms import StepForm, finish_text
from campaigns.links import targets
from campaigns.models import Campaign, Link, Template
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import select, text_area
from delivery import testcarrier

TEMPLATE = "campaigns/admin/wizard/message.html"

#: Variables that are offered at a click; a text may use any.
MOST_VARIABLES = 30
#: What can stand between braces as it is.
_NAME = re.compile(r"[A-Za-z_][\w-]*\Z")
#: Said by the button that takes a template's text: this step is asked for again.
SLUG = "message"


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
        self.translations = translations.rows(self.data, writing.translations(self.instance))
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

    def has_changed(self) -> bool:
        return super().has_changed() or translations.has_changed(self.translations)

    def keep(self) -> None:
        super().keep()
        if self.takes and (template := self.cleaned_data.get("use")):
            writing.take(self.instance, template)
        else:
            text = self.cleaned_data.get("text", writing.text(self.instance))
            writing.keep(self.instance, text, translations.as_typed(self.translations))
        if "link" in self.cleaned_data and "link" in self.changed_data:
            self._lead_to(self.cleaned_data["link"])

    def finish(self, actor: AbstractBaseUser) -> None:
        for wrong in finish_text(self.instance, self.translations, actor):
            self.add_error(None if wrong.elsewhere else "text", wrong.sentence)

    def _lead_to(self, target: str) -> None:
        own = Link.objects.filter(campaign=self.instance, name=targets.DEFAULT)
        if not target:
            own.delete()
        elif not own.update(target=target):
            own.create(campaign=self.instance, name=targets.DEFAULT, target=target)


def done(campaign: Campaign) -> bool:
    return campaign.template_id is not None and not writing.is_unfinished(campaign)


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {
        "variables": ["link", *variables()],
        "preview_url": reverse("admin:campaigns_campaign_preview", args=[campaign.pk]),
        "own_text": writing.is_written_here(campaign),
    }


def variables() -> list[str]:
    """What contacts have, the first name first."""
    known = sorted(name for name in audience.known_variables() if _NAME.match(name))
    return sorted(known, key=lambda name: name != "first_name")[:MOST_VARIABLES]
