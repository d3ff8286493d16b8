"""Who must not be texted: adding numbers, and lifting with evidence. Nothing is ever deleted."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts import consent
from contacts.admin.base import EvidenceForm, LargeTableAdmin, NumbersMixin, actor, number_of, select, text_area
from contacts.admin.finding import by_number
from contacts.masking import shown
from contacts.models import Suppression
from contacts.phone import InvalidPhone, normalise_many

MAX_NUMBERS = 1000


class SuppressForm(EvidenceForm):
    numbers = forms.CharField(
        widget=text_area(6, placeholder="+44 7700 900123"),
        max_length=50_000,
        help_text=f"One on each line, at most {MAX_NUMBERS:,}.",
    )
    reason = forms.ChoiceField(choices=Suppression.Reason.choices, initial=Suppression.Reason.MANUAL, widget=select())
    scope = forms.CharField(
        label="Sender",
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Its address, where they said stop to one sender only. Empty: every sender.",
    )
    field_order = ("numbers", "reason", "scope", "evidence")

    def clean_numbers(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["numbers"].splitlines() if line.strip()]
        if len(lines) > MAX_NUMBERS:
            raise forms.ValidationError(f"At most {MAX_NUMBERS:,} numbers at a time.")
        read = list(normalise_many(lines, default_country=settings.DEFAULT_COUNTRY or None))
        wrong = [
            f"Line {place}: {result.message}"
            for place, result in enumerate(read, start=1)
            if isinstance(result, InvalidPhone)
        ]
        if wrong:
            raise forms.ValidationError(wrong[:10])
        return [result.e164 for result in read if not isinstance(result, InvalidPhone)]


class Standing(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "In force"), ("lifted", "Lifted"), ("review", "To be looked at")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression] | None:
        value = self.value()
        if value == "review":
            return queryset.filter(reason=Suppression.Reason.REFUSED, reviewed_at=None, lifted_at=None)
        return queryset.filter(lifted_at__isnull=value == "active") if value else None


@admin.register(Suppression)
class SuppressionAdmin(NumbersMixin, LargeTableAdmin):
    list_display = ("number", "senders", "why", "in_force", "evidence", "created_at", "created_by")
    list_filter = (Standing, "reason")
    list_select_related = ("created_by",)
    search_fields = ("phone",)
    search_help_text = "Number"
    change_form_template = "contacts/admin/suppression.html"
    fields = (
        "number",
        "senders",
        "reason",
        "evidence",
        "created_at",
        "created_by",
        "in_force",
        "reviewed_at",
        "reviewed_by",
        "lifted_at",
        "lifted_by",
        "lifted_evidence",
    )
    readonly_fields = fields

    def pages(self) -> Any:
        return {
            "lift": ("<int:pk>/lift/", self.lift_view),
            "confirm": ("<int:pk>/confirm/", self.confirm_view),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        return (by_number(queryset, search_term, request.user) if search_term else queryset), False

    @display(description="Senders", ordering="scope")
    def senders(self, suppression: Suppression) -> str:
        return suppression.scope or "All"

    @display(
        description="Why",
        label={
            "Opted out": "danger",
            "Invalid number": "warning",
            "By staff": "info",
            "Refused": "danger",
            "To be looked at": "warning",
        },
    )
    def why(self, suppression: Suppression) -> str:
        if suppression.reason == Suppression.Reason.REFUSED:
            return "Refused" if suppression.reviewed_at or suppression.lifted_at else "To be looked at"
        return suppression.get_reason_display()

    @display(description="In force", boolean=True)
    def in_force(self, suppression: Suppression) -> bool:
        return suppression.lifted_at is None

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SuppressForm(request.POST or None)
        back = reverse("admin:contacts_suppression_changelist")
        if form.is_valid():
            data = form.cleaned_data
            added = consent.suppress(
                phones=data["numbers"],
                reason=data["reason"],
                evidence=data["evidence"],
                actor=actor(request),
                scope=data["scope"],
            )
            known = len(set(data["numbers"])) - added
            messages.success(
                request,
                f"{number_of(added, 'number')} will not be texted any more."
                + (f" {number_of(known, 'number')} already stood on the list." if known else ""),
            )
            return HttpResponseRedirect(back)
        intro = "These numbers will not be texted from now on, whatever list they are on, also by a campaign that runs."
        return self.form_page(
            request, form=form, title="Add to the suppression list", submit="Suppress", intro=intro, back=back
        )

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        suppression: Suppression = self.allowed(request, pk, "change")
        if request.method == "POST" and consent.confirm(suppression, actor=actor(request)):
            messages.success(request, "Confirmed: it was a refusal.")
        return HttpResponseRedirect(reverse("admin:contacts_suppression_change", args=[pk]))

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        suppression: Suppression = self.allowed(request, pk, "change")
        back = reverse("admin:contacts_suppression_change", args=[pk])
        if suppression.lifted_at:
            messages.info(request, "It was lifted already.")
            return HttpResponseRedirect(back)
        form = EvidenceForm(request.POST or None)
        if form.is_valid():
            consent.lift_one(suppression, evidence=form.cleaned_data["evidence"], actor=actor(request))
            messages.success(request, "It is lifted, and kept with your name, the time and the evidence.")
            return HttpResponseRedirect(back)
        return self.form_page(
            request,
            form=form,
            title=f"Lift the suppression of {shown(suppression.phone, request.user)}",
            submit="Lift",
            intro="Only with the person's own consent. The entry stays, with your name, the time and the evidence.",
            back=back,
            danger=True,
        )
