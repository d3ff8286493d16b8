"""A template's texts in other languages: rows below its own text, each looked at beside it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns import languages, templates
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import text_area
from contacts.importing.values import language_tag

PREFIX = "translations"
#: Empty rows below those that are filled in.
FURTHER = 1


class TranslationForm(forms.Form):
    """An empty text takes its language away."""

    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=12,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "de"}),
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        strip=False,
        max_length=MAX_TEMPLATE,
        widget=text_area(5, spellcheck="true"),
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        body, tag = given.get("body") or "", given.get("language") or ""
        if body.strip():
            if language_tag(tag.strip()) is None:
                self.add_error("language", _("Use a language tag, such as de or pt-BR."))
            for problem in templates.problems(body):
                where = {"line": problem.line, "what": problem.message}
                self.add_error("body", _("Line %(line)d: %(what)s.") % where)
        return given


Rows = forms.formset_factory(TranslationForm, extra=FURTHER, max_num=languages.MAX_TRANSLATIONS)


def rows(data: Any, present: dict[str, str]) -> Any:
    """The formset: with what was posted, or with what the template has where nothing of it was."""
    posted = data if data is not None and f"{PREFIX}-TOTAL_FORMS" in data else None
    initial = [{"language": tag, "body": body} for tag, body in present.items()]
    return Rows(posted, initial=initial, prefix=PREFIX)


def given(formset: Any) -> dict[str, str] | None:
    """The texts by language; None: the form said nothing of them. Raises ValueError with a sentence."""
    if not formset.is_bound:
        return None
    found: dict[str, str] = {}
    for row in formset.cleaned_data:
        if body := row.get("body", ""):
            tag = language_tag(row["language"].strip()) or ""
            if tag in found:
                raise ValueError(_("There are two texts for %(tag)s.") % {"tag": tag})
            found[tag] = body
    return languages.normalised(found)


def posted(data: Any) -> list[tuple[str, str]]:
    """Language and text of each row that has a text, right or wrong: for a preview."""
    formset = rows(data, {})
    if not formset.is_bound:
        return []
    found = [(str(form["language"].value() or ""), str(form["body"].value() or "")) for form in formset.forms]
    return [(language, body[: MAX_TEMPLATE + 1]) for language, body in found if body.strip()]
