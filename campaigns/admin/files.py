"""Files of appointments: upload, look what would become of each item, apply it, and take the errors home."""

import csv
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.appointments import uploads
from campaigns.models import AppointmentFile
from contacts.admin.base import CountryField, PageAdmin, actor, select
from contacts.admin.imports import DropInput
from contacts.masking import may_see_numbers

Status = AppointmentFile.Status

#: Lines of the table; the file to be downloaded has all that were rejected.
SHOWN = 200
STATUS_LABELS = {
    Status.CHECKING: "info",
    Status.CHECKED: "info",
    Status.APPLYING: "primary",
    Status.DONE: "success",
    Status.FAILED: "danger",
}


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=DropInput(
            attrs={"accept": ".csv,.ics,.json,text/csv,text/calendar,application/json", "class": "sms-drop"}
        ),
        help_text=_(
            "Drop it here or choose it: at most 20 MB and 20,000 appointments. A CSV file needs columns with the "
            "appointment's own number, its day and time, and the number to text; what it has besides can be used in "
            "texts."
        ),
    )
    kind = forms.ChoiceField(label=_("What it is"), choices=AppointmentFile.Format.choices, widget=select())
    source = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("The system that it comes from. The same file again, of the same source, changes nothing."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Europe/Berlin"}),
        help_text=_("Of appointments that name none."),
    )
    default_country = CountryField()
    phone_property = forms.RegexField(
        r"^[A-Za-z0-9-]{1,64}$",
        label=_("Property with the number"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "X-MOBILE"}),
        help_text=_("Of a calendar's events, if the number stands in one of their own."),
    )


def _percent(upload: AppointmentFile) -> int:
    if upload.status in (Status.CHECKED, Status.DONE):
        return 100
    return min(99, 100 * upload.items_done // upload.items_total) if upload.items_total else 0


class _Echo:
    def write(self, line: str) -> str:
        return line


@admin.register(AppointmentFile)
class AppointmentFileAdmin(PageAdmin):
    empty_list = _(
        "Appointments of a practice or a shop, as CSV, calendar or FHIR. You see first what becomes of each."
    )
    list_display = ("original_name", "format", "state", "source", "created_at", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("status",)

    def pages(self) -> Any:
        return {
            "progress": ("<int:pk>/progress/", self.progress_view),
            "apply": ("<int:pk>/apply/", require_POST(self.apply_view)),
            "rejected": ("<int:pk>/rejected.csv", self.rejected_view),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        idle = not (isinstance(obj, AppointmentFile) and obj.status in uploads.OPEN)
        return idle and bool(super().has_delete_permission(request, obj))

    @display(description=_("Status"), label=STATUS_LABELS)
    def state(self, upload: AppointmentFile) -> tuple[str, str]:
        return upload.status, upload.get_status_display()

    def home_url(self, upload: AppointmentFile) -> str:
        return reverse("admin:campaigns_appointmentfile_change", args=[upload.pk])

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FileForm(
            request.POST or None, request.FILES or None, initial={"default_country": settings.DEFAULT_COUNTRY}
        )
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                upload = uploads.take_in(actor=actor(request), original_name=data["file"].name, **data)
            except uploads.UnusableUpload as problem:
                form.add_error(problem.field, str(problem))
            else:
                self.log_addition(request, upload, gettext_noop("Uploaded"))
                return HttpResponseRedirect(self.home_url(upload))
        return self.form_page(
            request,
            form=form,
            title=gettext("Upload appointments"),
            submit=gettext("Upload"),
            intro=gettext("Nothing is written yet: next you see what would become of each appointment."),
            back=reverse("admin:campaigns_appointmentfile_changelist"),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        upload: AppointmentFile = self.allowed(request, object_id, "view")
        context = self.state_of(request, upload)
        return self.page(request, "campaigns/admin/file.html", title=upload.original_name, original=upload, **context)

    def state_of(self, request: HttpRequest, upload: AppointmentFile) -> dict[str, Any]:
        active = upload.status in uploads.OPEN
        return {
            "upload": upload,
            "active": active,
            "percent": _percent(upload),
            "rows": [] if active else uploads.results(upload, most=SHOWN),
            "may_change": self.has_change_permission(request, upload),
            "may_download": may_see_numbers(request.user) and bool(upload.counts.get("rejected")),
            "may_upload": self.has_add_permission(request),
        }

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload: AppointmentFile = self.allowed(request, pk, "view")
        response = self.fragment(request, "campaigns/admin/file_state.html", self.state_of(request, upload))
        if upload.status not in uploads.OPEN:
            # The rest of the page is another one now.
            response["HX-Refresh"] = "true"
        return response

    def apply_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload: AppointmentFile = self.allowed(request, pk, "change")
        if uploads.apply(upload):
            self.log_change(request, upload, gettext_noop("Applied"))
        else:
            messages.error(request, gettext("Only a file that was checked can be applied."))
        return HttpResponseRedirect(self.home_url(upload))

    def rejected_view(self, request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
        upload: AppointmentFile = self.allowed(request, pk, "view")
        if not may_see_numbers(request.user):
            raise PermissionDenied
        writer = csv.writer(_Echo())
        lines = (writer.writerow(row) for row in (uploads.COLUMNS, *uploads.rejected(upload)))
        name = f'attachment; filename="rejected-{pk}.csv"'
        return StreamingHttpResponse(lines, content_type="text/csv", headers={"Content-Disposition": name})

    def delete_model(self, request: HttpRequest, obj: AppointmentFile) -> None:
        files = [file for file in (obj.file, obj.results_file) if file]
        super().delete_model(request, obj)
        for file in files:
            transaction.on_commit(lambda file=file: file.storage.delete(file.name), robust=True)  # type: ignore[misc]
