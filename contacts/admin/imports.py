"""Importing a file: upload, say what each column is, look what would happen, do it, see what was left out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts import countries
from contacts.admin.base import CountryField, PageAdmin, actor, select
from contacts.admin.columns import columns
from contacts.importing import rejects, run, undo
from contacts.importing.mapping import IGNORE
from contacts.importing.read import ImportProblem
from contacts.masking import masked_within, may_see_numbers
from contacts.models import ContactImport, ContactList

Status = ContactImport.Status

ACTIVE = frozenset({Status.CHECKING, Status.IMPORTING, Status.UNDOING})
#: Nothing of it is imported, so its columns can still be chosen.
RAW = frozenset({Status.UPLOADED, Status.CHECKED, Status.FAILED})
STEPS: dict[str, tuple[Callable[[ContactImport], None] | None, str]] = {
    "check": (run.start_check, gettext_noop("Tried without importing")),
    "run": (run.start_run, gettext_noop("Import started")),
}
FIRST_PROBLEMS = 50
#: Of a rejected row, as it is shown beside its reason.
ROW_LENGTH = 120

STATUS_LABELS = {
    Status.UPLOADED: "",
    Status.CHECKING: "info",
    Status.CHECKED: "info",
    Status.IMPORTING: "primary",
    Status.DONE: "success",
    Status.FAILED: "danger",
    Status.UNDOING: "warning",
    Status.UNDONE: "warning",
}
#: What an undo counts, in its order on the page.
_UNDONE_WORDS = {
    "removed": _("Taken away again"),
    "restored": _("Set back"),
    "unlisted": _("Taken off the list"),
    "kept_changed": _("Kept, as they were changed since"),
    "kept_newer": _("Left as changed since"),
    "kept_written": _("Kept, as they were texted or wrote since"),
    "kept_named": _("Kept, as something else names them"),
    "consents": _("Consents taken back"),
    "opt_outs": _("May be texted again, as only this file said otherwise"),
    "kept_opt_outs": _("Want no texts, as not only this file said"),
    # Of imports that were undone before that was told apart.
    "kept_opted_out": _("Opted out, as before"),
}


class DropInput(forms.FileInput):
    template_name = "contacts/admin/drop.html"


class ConsentForm(forms.Form):
    """What is said of everyone in a file."""

    consent_source = forms.CharField(
        label=_("Where they agreed to marketing"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("Stand at the fair of 3 May")}),
        help_text=_("A list for marketing demands it, here for everyone or in a column for each."),
    )
    consent_at = forms.DateTimeField(
        label=_("When they did"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-05-03"}),
    )


class UploadForm(ConsentForm):
    field_order = ("file", "contact_list", "new_list", "default_country", "consent_source", "consent_at")

    file = forms.FileField(
        label=_("CSV file"),
        widget=DropInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain", "class": "sms-drop"}),
        help_text=_("Drop it here or choose it. One contact on each line, with a column for the number."),
    )
    contact_list = forms.ModelChoiceField(
        label=_("Put everyone on the list"),
        queryset=ContactList.objects.all(),
        required=False,
        empty_label=_("No list"),
        widget=select(),
    )
    new_list = forms.CharField(
        label=_("Or on a new list"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("Visitors of the fair")}),
    )
    default_country = CountryField()

    def clean_new_list(self) -> str:
        name: str = self.cleaned_data["new_list"].strip()
        if name and self.cleaned_data.get("contact_list"):
            raise forms.ValidationError(_("Choose a list or name a new one, not both."))
        # One without people may be what is left of an import that came to nothing.
        if name and ContactList.objects.filter(name=name, size__gt=0).exists():
            raise forms.ValidationError(_("There is a list of that name: choose it above."))
        return name


def problems(upload: ContactImport, *, whole: bool) -> list[tuple[int, str, str]]:
    """Of the first rejected rows the line, what is wrong, and what stands there. `whole`: numbers may be seen."""
    seen = str if whole else masked_within
    return [
        (row.line, row.sentence, shortened(seen(" · ".join(filter(None, row.cells)))))
        for row in rejects.first(upload, most=FIRST_PROBLEMS)
    ]


def consent_of(upload: ContactImport) -> dict[str, Any]:
    return {"consent_source": upload.consent_source, "consent_at": upload.consent_at}


def written(at: datetime | None) -> str:
    """A day as it was typed, rather than the moment at which it began."""
    return f"{at:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") if at else ""


def shortened(text: str) -> str:
    return text if len(text) <= ROW_LENGTH else f"{text[:ROW_LENGTH]}…"


def percent(upload: ContactImport) -> int:
    if upload.status == Status.CHECKED:
        return 0  # read to its end, and nothing of it is imported
    if upload.status in (Status.DONE, Status.UNDOING, Status.UNDONE):
        return 100
    return min(99, 100 * upload.bytes_read // upload.total_bytes) if upload.total_bytes else 0


@admin.register(ContactImport)
class ContactImportAdmin(PageAdmin):
    list_display = ("original_name", "state", "how_far", "contact_list", "created_at", "created_by")
    list_select_related = ("contact_list", "created_by")
    list_filter = ("status",)

    def pages(self) -> Any:
        return {
            "map": ("<int:pk>/map/", self.map_view),
            "progress": ("<int:pk>/progress/", self.progress_view),
            "rejected": ("<int:pk>/rejected.csv", self.rejected_view),
            "undo": ("<int:pk>/undo/", self.undo_view),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        idle = not (isinstance(obj, ContactImport) and obj.status in ACTIVE)
        return idle and bool(super().has_delete_permission(request, obj))

    @display(description=_("Status"), label=STATUS_LABELS)
    def state(self, upload: ContactImport) -> tuple[str, str]:
        return upload.status, upload.get_status_display()

    @display(description=_("Progress"))
    def how_far(self, upload: ContactImport) -> SafeString:
        done = percent(upload)
        return format_html('<progress class="sms-progress" max="100" value="{}"></progress> {} %', done, done)

    # --- upload -----------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {"default_country": settings.DEFAULT_COUNTRY, "contact_list": request.GET.get("list")}
        form = UploadForm(request.POST or None, request.FILES or None, initial=initial)
        if not request.user.has_perm("contacts.add_contactlist"):
            del form.fields["new_list"]
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                upload = run.prepare(
                    file=data["file"],
                    original_name=data["file"].name,
                    default_country=data["default_country"],
                    contact_list=data["contact_list"],
                    new_list=data.get("new_list", ""),
                    actor=actor(request),
                    consent_source=data["consent_source"],
                    consent_at=data["consent_at"],
                )
            except ImportProblem as problem:
                form.add_error("file", str(problem))
            else:
                self.log_addition(request, upload, gettext_noop("Uploaded"))
                return HttpResponseRedirect(self.home_url(upload))
        return self.form_page(
            request,
            form=form,
            title=gettext("Import contacts"),
            submit=gettext("Upload"),
            intro=gettext(
                "Nothing is imported yet: next you see the columns and can try it without changing anything."
            ),
            back=reverse("admin:contacts_contactimport_changelist"),
        )

    # --- the import's own page ----------------------------------------------------------------------------------

    def home_url(self, upload: ContactImport) -> str:
        return reverse("admin:contacts_contactimport_change", args=[upload.pk])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        upload: ContactImport = self.allowed(request, object_id, "view")
        context = self.state_of(request, upload)
        if context["may_change"] and upload.status in RAW:
            context |= self.mapping_of(upload, whole=may_see_numbers(request.user))
        return self.page(request, "contacts/admin/import.html", title=upload.original_name, original=upload, **context)

    def state_of(self, request: HttpRequest, upload: ContactImport) -> dict[str, Any]:
        private = may_see_numbers(request.user)
        return {
            "upload": upload,
            "active": upload.status in ACTIVE,
            "percent": percent(upload),
            "problems": problems(upload, whole=private) if upload.status not in ACTIVE else [],
            "undone": [(word, upload.undone[what]) for what, word in _UNDONE_WORDS.items() if what in upload.undone],
            "may_undo": undo.is_possible(upload) and request.user.has_perm("contacts.delete_contact"),
            "may_change": self.has_change_permission(request, upload),
            "may_download": private and bool(upload.rejected_file),
        }

    def mapping_of(self, upload: ContactImport, *, whole: bool) -> dict[str, Any]:
        try:
            seen = run.inspect(upload)
        except ImportProblem as problem:
            return {"unreadable": str(problem)}
        return {
            "columns": columns(upload, seen.samples, whole=whole),
            "countries": countries.choices(),
            "consent": ConsentForm(initial=consent_of(upload) | {"consent_at": written(upload.consent_at)}),
            "notes": seen.problems,
        }

    def map_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the country, the mapping and what is said of consent, and go on as the pressed button says: check, run,
        or no further. They are kept where it can not go on."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        upload: ContactImport = self.allowed(request, pk, "change")
        country = request.POST.get("default_country", upload.default_country)
        sent = {name: request.POST.get(f"column-{at}", IGNORE) for at, name in enumerate(upload.header)}
        consent = ConsentForm(consent_of(upload) | request.POST.dict(), initial=consent_of(upload))
        if not consent.is_valid():
            messages.error(request, gettext("The date of consent is not one: write it like 2026-05-31."))
            return HttpResponseRedirect(self.home_url(upload))
        step, done = STEPS.get(request.POST.get("do", ""), (None, gettext_noop("Columns chosen")))
        try:
            with transaction.atomic():
                chosen = sent != {name: upload.mapping.get(name, IGNORE) for name in upload.header}
                if country != upload.default_country:
                    run.set_country(upload=upload, country=country)
                if chosen:
                    # By its place: whether the first line is names of columns may depend on the country.
                    run.set_mapping(upload=upload, mapping=dict(zip(upload.header, sent.values(), strict=True)))
                if consent.has_changed():
                    said = consent.cleaned_data
                    run.state_consent(upload=upload, source=said["consent_source"], at=said["consent_at"])
            if step:
                step(upload)
        except ImportProblem as problem:
            messages.error(request, str(problem))
        else:
            self.log_change(request, upload, done)
        return HttpResponseRedirect(self.home_url(upload))

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload: ContactImport = self.allowed(request, pk, "view")
        response = self.fragment(request, "contacts/admin/import_state.html", self.state_of(request, upload))
        if upload.status not in ACTIVE:
            # The rest of the page is another one now.
            response["HX-Refresh"] = "true"
        return response

    def rejected_view(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        upload: ContactImport = self.allowed(request, pk, "view")
        if not may_see_numbers(request.user):
            raise PermissionDenied
        if not upload.rejected_file:
            raise Http404
        return FileResponse(upload.rejected_file.open("rb"), as_attachment=True, filename=f"rejected-{pk}.csv")

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload: ContactImport = self.allowed(request, pk, "change")
        if not request.user.has_perm("contacts.delete_contact"):
            raise PermissionDenied
        home = self.home_url(upload)
        if request.method == "POST" or not undo.is_possible(upload):
            try:
                run.start_undo(upload, actor=actor(request))
            except ImportProblem as problem:
                messages.error(request, str(problem))
            else:
                self.log_change(request, upload, gettext_noop("Undo started"))
            return HttpResponseRedirect(home)
        return self.form_page(
            request,
            form=forms.Form(),
            title=gettext("Undo the import of %(file)s") % {"file": upload.original_name},
            submit=gettext("Undo the import"),
            intro=gettext(
                "The contacts that it added are taken away, those that it changed are set back, and who it put on the "
                "list is taken off. What was done since stays: contacts that were changed, texted or booked meanwhile "
                "are kept, and counted. Consents that the file stated are taken back in the ledger. Whom only this "
                "file said to want no texts may be texted again; who has said so too, at any time, stays opted out."
            ),
            back=home,
            original=upload,
            danger=True,
        )

    def delete_model(self, request: HttpRequest, obj: ContactImport) -> None:
        run.discard(obj)
