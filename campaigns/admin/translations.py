"""A text in other languages: rows below the one for everybody, of a template, a campaign or one of its variants."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import forms
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns import languages, templates
from campaigns.admin.forms import TextField
from campaigns.optout_words import WORDING
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import text_area
from contacts.importing.values import language_tag

PREFIX = "translations"
#: Suggested by the names that Django has for them, so that nobody need know their tags; any other may be typed.
KNOWN = tuple(sorted(WORDING.keys() & LANG_INFO.keys()))
_LONGEST_TAG = 12


class TranslationForm(forms.Form):
    """An empty text takes its language away."""

    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=_LONGEST_TAG,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "de", "autocapitalize": "off", "spellcheck": "false"}),
    )
    body = TextField(
        label=gettext_lazy("Text"),
        required=False,
        strip=False,
        max_length=MAX_TEMPLATE,
        widget=text_area(5, spellcheck="true"),
    )

    def __init__(self, *args: Any, suggestions: str, **kwargs: Any) -> None:
        """`suggestions`: the id of the list of languages on the page."""
        super().__init__(*args, **kwargs)
        self.fields["language"].widget.attrs["list"] = suggestions

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


#: The page's script adds rows.
Rows = forms.formset_factory(TranslationForm, extra=0, max_num=languages.MAX_TRANSLATIONS)


def rows(data: Any, present: Iterable[tuple[str, str]], prefix: str = PREFIX) -> Any:
    """The formset: with what was posted, or with the texts there are where nothing of it was."""
    posted = data if data and f"{prefix}-TOTAL_FORMS" in data else None
    initial = [{"language": tag, "body": body} for tag, body in present]
    suggestions = f"id_{prefix}-suggestions"
    formset: Any = Rows(posted, initial=initial, prefix=prefix, form_kwargs={"suggestions": suggestions})
    formset.suggestions, formset.known = suggestions, KNOWN
    return formset


def has_changed(formset: Any) -> bool:
    return bool(formset.is_bound and formset.has_changed())


def given(formset: Any) -> dict[str, str] | None:
    """The texts by language; None: the form said nothing of them. Raises ValueError with a sentence."""
    if not formset.is_bound:
        return None
    return languages.normalised((row.get("language", ""), row.get("body", "")) for row in formset.cleaned_data)


class Typed(NamedTuple):
    """A row with a text, right or wrong; `field` is the id of its text on the page."""

    language: str
    body: str
    field: str


def as_typed(formset: Any) -> list[tuple[str, str]] | None:
    """What is to be kept of it while somebody writes; None: the form said nothing of them."""
    return [(row.language, row.body) for row in typed(formset)] if formset.is_bound else None


def typed(formset: Any) -> list[Typed]:
    """Nothing of a formset that was not posted."""
    if not formset.is_bound:
        return []
    found = [
        Typed(
            _plain(form["language"])[:_LONGEST_TAG],
            _plain(form["body"])[: MAX_TEMPLATE + 1],
            form["body"].id_for_label,
        )
        for form in formset.forms
    ]
    return [row for row in found if row.body.strip()]


def _plain(field: forms.BoundField) -> str:
    """As the database can keep it."""
    return str(field.value() or "").replace("\r\n", "\n").replace("\x00", "")
