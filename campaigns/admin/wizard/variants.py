"""Variants of the message, at the end of its step: other texts, each for a share, and a share that gets none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from campaigns import split, templates, writing
from campaigns.admin import translations
from campaigns.admin.forms import TextField
from campaigns.admin.wizard.forms import StepForm, finish_text
from campaigns.models import MAX_HOLD_OUT, Campaign, Variant
from campaigns.split import LETTERS, LOTS, Share
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import select, text_area

TEMPLATE = "campaigns/admin/wizard/variants.html"

#: Beside the campaign's own text.
OTHERS = LETTERS[1:]
#: What a further text is offered: half of it for one, so that two are even.
FIRST, FURTHER = 50, 20


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one variant, for the page."""

    index: int
    letter: str
    use: forms.BoundField
    text: forms.BoundField
    percent: forms.BoundField
    translations: Any


class VariantsForm(StepForm):
    """As many rows as are shown count; a form that says nothing of them leaves the variants as they are."""

    variants = forms.IntegerField(min_value=0, max_value=len(OTHERS), required=False, widget=forms.HiddenInput())

    class Meta(StepForm.Meta):
        fields = ("hold_out_percent",)
        labels: Any = {"hold_out_percent": gettext_lazy("Held out, percent")}
        help_texts: Any = {
            "hold_out_percent": gettext_lazy("These people get no text, so that one sees the difference.")
        }
        widgets: Any = {
            "hold_out_percent": UnfoldAdminIntegerFieldWidget(
                attrs={"x-model.number": "held", "min": 0, "max": MAX_HOLD_OUT}
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.present = list(self.instance.variants.select_related("template")) if self.instance.pk else []
        self.fields["hold_out_percent"].required = False
        self.fields["variants"].initial = len(self.present)
        offered = templates.offered()
        self.translations: dict[str, Any] = {}
        for index, letter in enumerate(OTHERS):
            self._add_row(index, letter, offered)

    def _add_row(self, index: int, letter: str, offered: Any) -> None:
        variant = self.present[index] if index < len(self.present) else None
        own = variant is None or writing.is_written_here(variant)
        self.fields[f"{letter}_use"] = forms.ModelChoiceField(
            label=_("Text"),
            queryset=offered,
            required=False,
            empty_label=_("Written here"),
            initial=None if own or variant is None else variant.template,
            widget=select(),
        )
        self.fields[f"{letter}_text"] = TextField(
            label=_("Text of variant %(letter)s") % {"letter": letter},
            required=False,
            strip=False,
            max_length=MAX_TEMPLATE,
            initial=writing.text(variant) if variant and own else "",
            widget=text_area(4, spellcheck="true"),
        )
        self.fields[f"{letter}_percent"] = forms.IntegerField(
            label=_("Share, percent"),
            min_value=1,
            max_value=LOTS - 1,
            required=False,
            initial=variant.percent if variant else (FURTHER if index else FIRST),
            widget=UnfoldAdminIntegerFieldWidget(
                attrs={"x-model.number": f"shares[{index}]", "min": 1, "max": LOTS - 1}
            ),
        )
        present = writing.translations(variant) if variant and own else []
        self.translations[letter] = translations.rows(self.data, present, f"{letter}_{translations.PREFIX}")

    @property
    def rows(self) -> list[Row]:
        return [
            Row(
                index,
                letter,
                self[f"{letter}_use"],
                self[f"{letter}_text"],
                self[f"{letter}_percent"],
                self.translations[letter],
            )
            for index, letter in enumerate(OTHERS)
        ]

    @property
    def state(self) -> dict[str, Any]:
        """What the page's script begins with."""
        return {
            "rows": self["variants"].value() or 0,
            "held": self["hold_out_percent"].value() or 0,
            "shares": [row.percent.value() for row in self.rows],
            "uses": [row.use.value() for row in self.rows],
        }

    def has_changed(self) -> bool:
        if "variants" not in self.data:
            return False
        return super().has_changed() or any(map(translations.has_changed, self.translations.values()))

    def clean_hold_out_percent(self) -> int:
        return int(self.cleaned_data["hold_out_percent"] or 0)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        shown = list(self._shown())
        for name in [name for name in self.errors if name[0] in OTHERS and name[0] not in shown]:
            del self.errors[name]
        for letter in shown:
            if f"{letter}_percent" not in self.errors and not given.get(f"{letter}_percent"):
                self.add_error(f"{letter}_percent", _("Give it a share."))
        if not self.errors:
            try:
                split.check(self._shares(), given["hold_out_percent"])
            except ValueError as error:
                self.add_error("variants", str(error))
        return given

    def _shown(self) -> Iterator[str]:
        return iter(OTHERS[: self.cleaned_data.get("variants") or 0])

    def _shares(self) -> list[Share]:
        return [
            Share(self.cleaned_data.get(f"{letter}_use"), self.cleaned_data[f"{letter}_percent"])
            for letter in self._shown()
        ]

    def keep(self) -> None:
        """All of them or none, for their shares make a whole; texts as far as they are written."""
        self.full_clean()
        if self.errors or "variants" not in self.data:
            return
        super().keep()
        shown = list(self._shown())
        self.instance.variants.exclude(letter__in=shown).delete()
        for letter in shown:
            self._keep_one(letter)

    def _keep_one(self, letter: str) -> None:
        percent, template = self.cleaned_data[f"{letter}_percent"], self.cleaned_data[f"{letter}_use"]
        variant, _made = Variant.objects.update_or_create(
            campaign=self.instance, letter=letter, defaults={"percent": percent}
        )
        if template:
            writing.take(variant, template)
            return
        if variant.template and not variant.template.of_campaign:
            variant.template = None
            variant.save(update_fields=["template"])
        writing.keep(variant, self.cleaned_data[f"{letter}_text"], translations.as_typed(self.translations[letter]))

    def finish(self, actor: AbstractBaseUser) -> None:
        for variant in self.instance.variants.select_related("template", "campaign"):
            if not writing.text(variant).strip():
                self.add_error(f"{variant.letter}_text", _("Write a text, or choose a template."))
                continue
            for wrong in finish_text(variant, self.translations[variant.letter], actor):
                self.add_error(f"{variant.letter}_text", wrong.sentence)


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return {"variant_preview_url": reverse("admin:campaigns_campaign_variant_preview", args=[campaign.pk])}
