"""Who must not be texted: adding numbers, and lifting with evidence. Nothing is ever deleted."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts import consent
from contacts.admin.base import EvidenceForm, LargeTableAdmin, NumbersMixin, actor, kept, select, text_area
from contacts.admin.finding import by_number
from contacts.masking import shown
from contacts.models import Suppression
from contacts.phone import InvalidPhone, normalise_many
from contacts.wording import figure

MAX_NUMBERS = 1000


class SuppressForm(EvidenceForm):
    numbers = forms.CharField(
        label=_("Numbers"),
        widget=text_area(6, placeholder="+44 7700 900123"),
        max_length=50_000,
        help_text=_("One on each line, at most %(most)s.") % {"most": figure(MAX_NUMBERS)},
    )
    reason = forms.ChoiceField(
        label=_("Reason"), choices=Suppression.Reason.choices, initial=Suppression.Reason.MANUAL, widget=select()
    )
    scope = forms.CharField(
        label=_("Sender"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Its address, where they said stop to one sender only. Empty: every sender."),
    )
    field_order = ("numbers", "reason", "scope", "evidence")

    def clean_numbers(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["numbers"].splitlines() if line.strip()]
        if len(lines) > MAX_NUMBERS:
            raise forms.ValidationError(gettext("At most %(most)s numbers at a time.") % {"most": figure(MAX_NUMBERS)})
        read = list(normalise_many(lines, default_country=settings.DEFAULT_COUNTRY or None))
        wrong = [
            gettext("Line %(place)s: %(message)s") % {"place": place, "message": result.message}
            for place, result in enumerate(read, start=1)
            if isinstance(result, InvalidPhone)
        ]
        if wrong:
            raise forms.ValidationError(wrong[:10])
        return [result.e164 for result in read if not isinstance(result, InvalidPhone)]


class Standing(admin.SimpleListFilter):
    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", gettext("In force")), ("lifted", gettext("Lifted")), ("review", gettext("To be looked at"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression] | None:
        value = self.value()
        if value == "review":
            return queryset.filter(reason=Suppression.Reason.REFUSED, reviewed_at=None, lifted_at=None)
        return queryset.filter(lifted_at__isnull=value == "active") if value else None


@admin.register(Suppression)
class SuppressionAdmin(NumbersMixin, LargeTableAdmin):
    list_display = ("number", "senders", "why", "in_force", kept("evidence"), "created_at", "created_by")
    list_filter = (Standing, "reason")
    list_select_related = ("created_by",)
    search_fields = ("phone",)
    search_help_text = _("Number")
    change_form_template = "contacts/admin/suppression.html"
    fields = (
        "number",
        "senders",
        "reason",
        kept("evidence"),
        "created_at",
        "created_by",
        "in_force",
        "reviewed_at",
        "reviewed_by",
        "lifted_at",
        "lifted_by",
        kept("lifted_evidence"),
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

    @display(description=_("Senders"), ordering="scope")
    def senders(self, suppression: Suppression) -> str:
        return suppression.scope or gettext("All")

    @display(
        description=_("Why"),
        label={
            Suppression.Reason.OPTED_OUT: "danger",
            Suppression.Reason.INVALID_NUMBER: "warning",
            Suppression.Reason.MANUAL: "info",
            Suppression.Reason.REFUSED: "danger",
            "review": "warning",
        },
    )
    def why(self, suppression: Suppression) -> tuple[str, str]:
        if suppression.reason != Suppression.Reason.REFUSED:
            return suppression.reason, suppression.get_reason_display()
        if suppression.reviewed_at or suppression.lifted_at:
            return suppression.reason, gettext("Refused")
        return "review", gettext("To be looked at")

    @display(description=_("In force"), boolean=True)
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
                " ".join(_added(added, known)),
            )
            return HttpResponseRedirect(back)
        intro = gettext(
            "These numbers will not be texted from now on, whatever list they are on, also by a campaign that runs."
        )
        return self.form_page(
            request,
            form=form,
            title=gettext("Add to the suppression list"),
            submit=gettext("Suppress"),
            intro=intro,
            back=back,
        )

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        suppression: Suppression = self.allowed(request, pk, "change")
        if request.method == "POST" and consent.confirm(suppression, actor=actor(request)):
            messages.success(request, gettext("Confirmed: it was a refusal."))
        return HttpResponseRedirect(reverse("admin:contacts_suppression_change", args=[pk]))

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        suppression: Suppression = self.allowed(request, pk, "change")
        back = reverse("admin:contacts_suppression_change", args=[pk])
        if suppression.lifted_at:
            messages.info(request, gettext("It was lifted already."))
            return HttpResponseRedirect(back)
        form = EvidenceForm(request.POST or None)
        if form.is_valid():
            consent.lift_one(suppression, evidence=form.cleaned_data["evidence"], actor=actor(request))
            messages.success(request, gettext("It is lifted, and kept with your name, the time and the evidence."))
            return HttpResponseRedirect(back)
        return self.form_page(
            request,
            form=form,
            title=gettext("Lift the suppression of %(phone)s") % {"phone": shown(suppression.phone, request.user)},
            submit=gettext("Lift"),
            intro=gettext(
                "Only with the person's own consent. The entry stays, with your name, the time and the evidence."
            ),
            back=back,
            danger=True,
        )


def _added(added: int, known: int) -> list[str]:
    """What became of the numbers that somebody entered, a sentence each."""
    found = [
        ngettext(
            "%(number)s number will not be texted any more.", "%(number)s numbers will not be texted any more.", added
        )
        % {"number": figure(added)}
    ]
    if known:
        already = ngettext(
            "%(number)s number already stood on the list.", "%(number)s numbers already stood on the list.", known
        )
        found.append(already % {"number": figure(known)})
    return found
