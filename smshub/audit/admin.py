"""The auditor's screen: who did what, when and from where. Nothing here can be changed."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts.admin.base import PageAdmin, ReadOnlyMixin
from smshub.audit import reading, words
from smshub.audit.models import Entry
from smshub.audit.places import PERSONAL
from smshub.audit.reading import Wanted
from smshub.audit.tables import AUDITED, NOT_BY_ROW

_SUBJECTS = sorted({*AUDITED, *NOT_BY_ROW, *PERSONAL})


class WantedForm(forms.Form):
    """Every field may be empty."""

    actor = forms.CharField(
        label=gettext_lazy("Who"),
        max_length=150,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": gettext_lazy("User, or prefix of a key")}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("All")), *Entry.Kind.choices],
        widget=UnfoldAdminSelectWidget(),
    )
    subject = forms.CharField(
        label=gettext_lazy("About"),
        max_length=80,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "subjects", "placeholder": "campaigns.Campaign"}),
    )
    object_id = forms.CharField(
        label=gettext_lazy("Its number"), max_length=64, required=False, widget=UnfoldAdminTextInputWidget()
    )
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=pgettext_lazy("the last day", "To"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    request_id = forms.UUIDField(required=False, widget=forms.HiddenInput())


@admin.register(Entry)
class EntryAdmin(ReadOnlyMixin, PageAdmin):
    fields = (
        *("at", "kind", "actor_kind", "actor", "address", "subject", "object_id", "verb"),
        *("changes", "request_id"),
    )

    def pages(self) -> Any:
        return {"csv": ("audit.csv", self.csv_view)}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        form, wanted, asked = self._wanted(request)
        rows, following = reading.screen(wanted, reading.cursor(request.GET.get("after", "")))
        return self.page(
            request,
            "smshub/audit.html",
            title=_("Audit log"),
            form=form,
            subjects=[(label, words.subject(label)) for label in _SUBJECTS],
            rows=[_line(row) for row in rows],
            next_url="?" + urlencode(asked | {"after": str(following)}) if following else "",
            csv_url=f"{reverse('admin:audit_entry_csv')}?{urlencode(asked)}",
        )

    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        _form, wanted, _asked = self._wanted(request)
        response = StreamingHttpResponse(reading.csv_lines(wanted), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def _wanted(self, request: HttpRequest) -> tuple[WantedForm, Wanted, dict[str, str]]:
        """The form, what it asks for, and that as parameters. Nothing is found by what is no date."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = WantedForm(request.GET or None)
        given = form.cleaned_data if form.is_bound and form.is_valid() else {}
        asked = {name: str(value) for name, value in given.items() if value}
        return form, Wanted(**{name: value for name, value in given.items() if value}), asked


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as the page has it."""

    row: Entry
    address: str
    verb: str
    subject: str
    changes: list[tuple[str, ...]]


def _line(row: Entry) -> Line:
    return Line(row, _address_of(row), words.verb(row), words.subject(row.subject), words.changes(row))


def _address_of(row: Entry) -> str:
    """The page of what an entry is about, where there is one; the page says whether it may be seen."""
    app, _dot, rest = row.subject.partition(".")
    name = rest.partition(".")[0].lower()
    try:
        return reverse(f"admin:{app}_{name}_change", args=[row.object_id]) if row.object_id and name else ""
    except NoReverseMatch:
        return ""
