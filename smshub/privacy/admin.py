"""Erasing a person, the certificate of it, and giving a person what there is about them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget as Switch

from contacts.admin.base import EvidenceForm, LargeTableAdmin, NumberField, actor
from contacts.masking import may_see_numbers
from contacts.models import Contact, Erasure
from contacts.wording import figure
from smshub.privacy import certificate, erasing
from smshub.privacy.api import zipped


class EraseForm(EvidenceForm):
    phone = NumberField()
    certain = forms.BooleanField(
        label=_("Erase everything about this person, for good"), widget=Switch(), help_text=_("Nobody can undo it.")
    )
    field_order = ("phone", "evidence", "certain")


@admin.register(Erasure)
class ErasureAdmin(LargeTableAdmin):
    list_display = ("__str__", "state", "requested_by", "evidence", "finished_at")
    list_filter = ("status",)
    change_form_template = "smshub/erasure.html"
    fields = (
        *("state_in_words", "requested_at", "requested_by", "evidence"),
        *("started_at", "finished_at", "erased", "keyed_hash"),
    )
    readonly_fields = fields

    def pages(self) -> Any:
        return {
            "certificate": ("<int:pk>/certificate.<str:kind>", self.certificate_view),
            "progress": ("<int:pk>/progress/<slug:status>/", self.progress_view),
            "export": ("export/<int:contact_id>/", self.export_view),
        }

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("Status"), label={Erasure.Status.DONE: "success", Erasure.Status.ERASING: "primary"})
    def state(self, erasure: Erasure) -> tuple[str, str]:
        return erasure.status, erasure.get_status_display()

    @display(description=_("Status"))
    def state_in_words(self, erasure: Erasure) -> str:
        return str(self.state(erasure)[1])

    @display(description=_("Erased"))
    def erased(self, erasure: Erasure) -> str:
        return ", ".join(f"{figure(number)} {gettext(kind)}" for kind, number in sorted(erasure.counts.items())) or "-"

    @display(description=_("Keyed hash"))
    def keyed_hash(self, erasure: Erasure) -> str:
        return bytes(erasure.digest).hex() if erasure.digest else "-"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        contact = self._contact(request)
        form = EraseForm(request.POST or None, initial={"phone": contact.phone if contact else ""})
        changelist = reverse("admin:contacts_erasure_changelist")
        back = reverse("admin:contacts_contact_change", args=[contact.pk]) if contact else changelist
        if form.is_valid():
            erasure = erasing.request(
                phone=form.cleaned_data["phone"],
                requested_by=actor(request).get_username(),
                evidence=form.cleaned_data["evidence"],
            )
            messages.success(
                request, gettext("Nothing is sent to this number from now on. The rest is done within minutes.")
            )
            return HttpResponseRedirect(reverse("admin:contacts_erasure_change", args=[erasure.pk]))
        return self.form_page(
            request,
            form=form,
            title=gettext("Erase %(person)s") % {"person": contact} if contact else gettext("Erase a person"),
            submit=gettext("Erase"),
            intro=gettext(
                "The contact, appointments, messages, texts and files that name this number are erased everywhere. "
                "Counts stay, and that the number must not be texted, by a hash that only this hub can make. "
                "What it rests on stays as well: write no names into it. Do they also want to know what there is about "
                "them? “Everything about them” on their page gives it; afterwards there is nothing left."
            ),
            back=back,
            danger=True,
        )

    def progress_view(self, request: HttpRequest, pk: int, status: str) -> HttpResponse:
        """Has a page that shows this status load itself anew once it is another."""
        erasure: Erasure = self.allowed(request, pk, "view")
        has_news = erasure.status != status
        return HttpResponse(status=204, headers={"HX-Refresh": "true"} if has_news else None)

    def certificate_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        erasure: Erasure = self.allowed(request, pk, "view")
        try:
            found = certificate.certificate(erasure)
        except ValueError:
            raise Http404 from None
        if kind == "json":
            return JsonResponse(found)
        return HttpResponse(certificate.as_pdf(found), content_type="application/pdf")

    def export_view(self, request: HttpRequest, contact_id: int) -> HttpResponseBase:
        """For whoever may erase: it is the other half of what a person may ask for."""
        contact = Contact.objects.filter(pk=contact_id).first()
        if contact is None:
            raise Http404
        if not (self.has_add_permission(request) and may_see_numbers(request.user)):
            raise PermissionDenied
        return zipped(contact.phone, f"person-{contact.pk}.zip")

    def _contact(self, request: HttpRequest) -> Contact | None:
        """The one whose page it was asked for on: an address has no number in it."""
        asked = request.GET.get("contact", "")
        if not (asked.isdecimal() and len(asked) < 18 and may_see_numbers(request.user)):
            return None
        return Contact.objects.filter(pk=int(asked)).first()
