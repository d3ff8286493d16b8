"""The consent ledger: looked through and added to, never changed; and the proof of one person's consents."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.base import EvidenceForm, LargeTableAdmin, NumberField, NumbersMixin, actor, kept, select, text_area
from contacts.admin.finding import by_number
from contacts.consents import ledger
from contacts.consents.ledger import LedgerError, Line
from contacts.consents.proof import as_pdf, proof
from contacts.masking import may_see_numbers
from contacts.models import ConsentEvent, Contact

Action = ConsentEvent.Action


class RecordForm(EvidenceForm):
    phone = NumberField()
    action = forms.ChoiceField(
        label=_("They"),
        choices=[(each.value, each.label) for each in (Action.GRANTED, Action.WITHDRAWN)],
        widget=select(),
    )
    purpose = forms.ChoiceField(label=_("Purpose"), choices=ConsentEvent.Purpose.choices, widget=select())
    scope = forms.CharField(
        label=_("Sender"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Its address, where it is about one sender only. Empty: every sender."),
    )
    source = forms.ChoiceField(
        label=_("Source"), choices=ConsentEvent.Source.choices, initial=ConsentEvent.Source.STAFF, widget=select()
    )
    at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-05-03 14:00"}),
        help_text=_("When they did it. Empty: now."),
    )
    wording = forms.CharField(
        label=_("Wording"),
        required=False,
        max_length=5000,
        widget=text_area(4),
        help_text=_("What they were shown, word for word."),
    )
    field_order = ("phone", "action", "purpose", "scope", "source", "at", "wording", "evidence")


@admin.register(ConsentEvent)
class ConsentEventAdmin(NumbersMixin, LargeTableAdmin):
    list_display = ("number", "purpose", "senders", "what", "source", "at", "recorded_by")
    list_filter = ("purpose", "action", "source")
    search_fields = ("phone",)
    search_help_text = _("Number")
    fields = (
        *("number", "purpose", "channel", "senders", "action", "source", "at", "wording", kept("evidence")),
        *("recorded_at", "recorded_by", "request"),
    )
    readonly_fields = fields

    def pages(self) -> Any:
        return {
            "proof": ("<int:contact_id>/proof.<str:kind>", self.proof_view),
        }

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ConsentEvent], search_term: str
    ) -> tuple[QuerySet[ConsentEvent], bool]:
        return (by_number(queryset, search_term, request.user) if search_term else queryset), False

    @display(description=_("Senders"), ordering="scope")
    def senders(self, event: ConsentEvent) -> str:
        return event.scope or gettext("All")

    @display(
        description=_("They"),
        label={
            Action.GRANTED: "success",
            Action.WITHDRAWN: "danger",
            Action.REQUESTED: "info",
            Action.EXPIRED: "warning",
        },
    )
    def what(self, event: ConsentEvent) -> tuple[str, str]:
        return event.action, event.get_action_display()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RecordForm(request.POST or None)
        back = reverse("admin:contacts_consentevent_changelist")
        if form.is_valid():
            given = {**form.cleaned_data, "at": form.cleaned_data["at"] or timezone.now()}
            try:
                ledger.record([Line(**given, recorded_by=actor(request).get_username())])
            except LedgerError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, gettext("It stands in the ledger now."))
                return HttpResponseRedirect(back)
        return self.form_page(
            request,
            form=form,
            title=gettext("Record a consent"),
            submit=gettext("Record"),
            intro=gettext(
                "A line cannot be changed or taken out again. Was it wrong? Add another that says what is right."
            ),
            back=back,
        )

    def proof_view(self, request: HttpRequest, contact_id: int, kind: str) -> HttpResponse:
        """By the contact's id: a number has no place in an address, which is logged."""
        contact = Contact.objects.filter(pk=contact_id).first()
        if contact is None or kind not in ("pdf", "json"):
            return HttpResponseRedirect(reverse("admin:contacts_consentevent_changelist"))
        if not (self.has_view_permission(request) and may_see_numbers(request.user)):
            raise PermissionDenied
        found = proof(contact.phone)
        if kind == "json":
            return JsonResponse(found)
        return HttpResponse(as_pdf(found), content_type="application/pdf")
