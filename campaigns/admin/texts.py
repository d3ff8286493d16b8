"""Templates: a text, seen as a phone will show it while it is written. Saving makes a version."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget

from campaigns import templates
from campaigns.admin import translations
from campaigns.admin.links import LinkInline
from campaigns.models import Template, TemplateVersion
from campaigns.templating import MAX_TEMPLATE
from contacts.admin.base import PageAdmin, actor, text_area
from contacts.masking import may_see_numbers
from contacts.models import Contact

#: How many of the newest contacts a preview may be shown for.
PEOPLE = 8
VERSIONS = 30

_VISIBLE = {"": _("nothing"), " ": _("a space"), "\n": _("a new line")}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a previewed text; `name` is set for a character that GSM-7 cannot carry."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One of a template's texts as its readers see it; `language` is empty for the one for everybody."""

    language: str
    preview: templates.Preview

    @property
    def pieces(self) -> "list[Piece]":
        return pieces(self.preview)

    @property
    def replacements(self) -> list[tuple[str, str]]:
        return replacements(self.preview)


def pieces(preview: templates.Preview) -> list[Piece]:
    found, at = [], 0
    for forcing in preview.segmentation.forcing:
        found += [Piece(preview.text[at : forcing.position]), Piece(forcing.char, forcing.name)]
        at = forcing.position + len(forcing.char)
    return [piece for piece in [*found, Piece(preview.text[at:])] if piece.text]


def replacements(preview: templates.Preview) -> list[tuple[str, str]]:
    """Each replaced character once, with what takes its place."""
    return list(
        {change.char: str(_VISIBLE.get(change.replacement, change.replacement)) for change in preview.replaced}.items()
    )


class TemplateForm(forms.ModelForm):
    body = forms.CharField(
        label=_("Text"),
        strip=False,
        max_length=MAX_TEMPLATE,
        widget=text_area(9, spellcheck="true"),
        help_text=_(
            "{{ first_name }} is the contact's own; {{ clinic | default: 'the clinic' }} where some lack it. In "
            "reminders there are also {{ appointment.day }}, {{ appointment.date }}, {{ appointment.time }} and "
            "whatever else stands with the appointment."
        ),
    )
    smart_encoding = forms.BooleanField(
        label=_("Smart encoding"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_("Replace curly quotes, long dashes and odd spaces that would make every text dearer."),
    )

    class Meta:
        model = Template
        fields = ("name", "description", "archived")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = templates.latest(self.instance) if self.instance.pk else None
        if version:
            self.initial.update(body=version.body, smart_encoding=version.smart_encoding)
        self.translations = translations.rows(self.data or None, version.translations.items() if version else ())

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        wrong = [
            gettext("Line %(line)s: %(message)s.") % {"line": problem.line, "message": problem.message}
            for problem in templates.problems(body)
        ]
        if wrong:
            raise forms.ValidationError(wrong)
        return body

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if self.translations.is_bound and not self.translations.is_valid():
            raise forms.ValidationError(_("Correct the texts in other languages."))
        try:
            given["translations"] = translations.given(self.translations)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return given

    def has_changed(self) -> bool:
        return super().has_changed() or translations.has_changed(self.translations)


@admin.register(Template)
class TemplateAdmin(PageAdmin):
    form = TemplateForm
    change_form_template = "campaigns/admin/template.html"
    list_display = ("name", "version", "excerpt", "description", "archived")
    list_filter = ("archived",)
    search_fields = ("name", "description")
    fields = ("name", "body", "smart_encoding", "description", "archived")
    inlines = (LinkInline,)

    def pages(self) -> Any:
        return {"preview": ("preview/", require_POST(self.preview_view))}

    def get_queryset(self, request: HttpRequest) -> Any:
        newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
        return (
            super()
            .get_queryset(request)
            .annotate(newest=Subquery(newest.values("number")[:1]), text=Subquery(newest.values("body")[:1]))
        )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # campaigns refer to its versions: it is archived instead

    @display(description=_("Version"))
    def version(self, template: Any) -> str:
        return f"v{template.newest}" if template.newest else "–"

    @display(description=_("Text"))
    def excerpt(self, template: Any) -> str:
        text = template.text or ""
        return text if len(text) <= 70 else text[:69] + "…"

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        people = Contact.objects.order_by("-pk")[:PEOPLE] if may_see_numbers(request.user) else ()
        versions: Any = ()
        if object_id and object_id.isdecimal():
            versions = TemplateVersion.objects.filter(template_id=int(object_id)).select_related("created_by")
        context = {
            "preview_url": reverse("admin:campaigns_template_preview"),
            "preview_people": people,
            "versions": versions[:VERSIONS],
        }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        before = templates.latest(form.instance) if change else None
        version = templates.save_version(
            template=form.instance,
            body=form.cleaned_data["body"],
            translations=form.cleaned_data["translations"],
            smart_encoding=form.cleaned_data["smart_encoding"],
            actor=actor(request),
        )
        if before and before != version:
            messages.info(
                request,
                gettext("Saved as version %(number)s. Campaigns under way keep the version they have.")
                % {"number": version.number},
            )

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        body = request.POST.get("body", "")[: MAX_TEMPLATE + 1]
        chosen, contact = request.POST.get("preview_contact", ""), None
        if chosen.isdecimal() and len(chosen) < 19 and may_see_numbers(request.user):
            contact = Contact.objects.filter(pk=int(chosen)).first()
        others = translations.typed(translations.rows(request.POST, ()))
        texts = [("", body), *((row.language, row.body) for row in others)]
        smart = "smart_encoding" in request.POST
        shown = [
            Shown(language, templates.preview(body=b, smart_encoding=smart, contact=contact)) for language, b in texts
        ]
        return self.fragment(request, "campaigns/admin/previews.html", {"shown": shown})
