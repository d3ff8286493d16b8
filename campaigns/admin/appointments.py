"""Appointments, plans that repeat, and what staff have to do about either."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.appointments import plans
from campaigns.appointments.items import Item, Outcome, Rejected, check
from campaigns.appointments.upsert import upsert
from campaigns.appointments.zones import to_local
from campaigns.models import Appointment, Plan, StaffTask
from campaigns.models.appointments import COMING
from campaigns.reminders import reasons, todo
from contacts.admin.attributes import AttributesField
from contacts.admin.base import LargeTableAdmin, NumbersMixin, PageAdmin, actor
from contacts.masking import may_see_numbers
from contacts.models import Contact
from contacts.phone import InvalidPhone, normalise


class NumberField(forms.CharField):
    """The number of a contact that there is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Contact's number"), max_length=64, widget=UnfoldAdminTextInputWidget(), **kwargs)

    def clean(self, value: Any) -> Contact:
        try:
            number = normalise(super().clean(value), default_country=settings.DEFAULT_COUNTRY or None).e164
        except InvalidPhone as problem:
            raise forms.ValidationError(problem.message) from None
        contact = Contact.objects.filter(phone=number).first()
        if contact is None:
            raise forms.ValidationError(gettext("No contact has this number: add the contact first."))
        return contact


class AppointmentForm(forms.ModelForm):
    number = NumberField()
    begins = forms.CharField(
        label=_("Begins"),
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-05-04 14:30"}),
        help_text=_("Local time where it takes place."),
    )
    attributes = AttributesField()

    class Meta:
        model = Appointment
        fields = ("begins", "time_zone", "kind", "status", "attributes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["number"] = self.instance.contact.phone
            local = to_local(self.instance.starts_at, self.instance.time_zone)
            self.initial["begins"] = f"{local:%Y-%m-%d %H:%M}"

    def clean_begins(self) -> datetime:
        try:
            return datetime.fromisoformat(self.cleaned_data["begins"].strip()).replace(tzinfo=None)
        except ValueError:
            raise forms.ValidationError(gettext("Write it as 2026-05-04 14:30.")) from None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        try:
            checked = check(self.item(), default_zone="", default_country="")
        except Rejected as problem:
            raise forms.ValidationError(str(problem)) from None
        if not self.instance.pk and checked.starts_at <= timezone.now() and given["status"] in COMING:
            raise forms.ValidationError(gettext("It begins in the past."))
        return given

    def item(self) -> Item:
        given = self.cleaned_data
        return Item(
            external_id=self.instance.external_id or "pending",
            starts_at=given["begins"],
            time_zone=given["time_zone"],
            contact_id=given["number"].pk if "number" in given else self.instance.contact_id,
            kind=given["kind"],
            attributes=given["attributes"],
            status=given["status"],
            plan_id=self.instance.plan_id,
        )


class OfContactMixin(NumbersMixin):
    """The contact's number, which the form asks for, is looked at only by who may not see it whole."""

    number_field = "contact.phone"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return super(NumbersMixin, self).get_fieldsets(request, obj)  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        found = super().get_readonly_fields(request, obj)
        return found if obj is None or may_see_numbers(request.user) else [*found, "number", "masked_number"]


@admin.register(Appointment)
class AppointmentAdmin(OfContactMixin, LargeTableAdmin):
    empty_list = _("Appointments come from a file, a calendar or another system, or are added one by one.")
    form = AppointmentForm
    list_display = ("begins_at", "contact", "kind", "status", "source", "external_id")
    list_filter = ("status",)
    list_select_related = ("contact",)
    search_fields = ("external_id",)
    search_help_text = _("The source's id, exactly")
    fields = ("number", "begins", "time_zone", "kind", "status", "attributes", "reminders_of_it")
    readonly_fields = ("reminders_of_it",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.filter(external_id=search_term.strip()) if search_term else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is cancelled instead: what was sent for it stays answerable

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        if not change:
            obj.external_id = f"staff-{uuid4()}"
        item: Item = form.item()
        (result,) = upsert([item], source=obj.source)
        if result.outcome == Outcome.REJECTED:
            messages.error(request, result.detail)
        obj.pk = result.appointment_id
        obj.refresh_from_db()

    @display(description=_("Begins"))
    def begins_at(self, appointment: Appointment) -> str:
        return f"{to_local(appointment.starts_at, appointment.time_zone):%Y-%m-%d %H:%M} {appointment.time_zone}"

    @display(description=_("Reminders"))
    def reminders_of_it(self, appointment: Appointment) -> SafeString | str:
        if not appointment.pk:
            return "–"
        rows = appointment.reminders.select_related("rule").order_by("due_at")[:50]
        lines = [
            format_html(
                "<li>{} UTC: {}, {} {}</li>",
                f"{row.due_at:%Y-%m-%d %H:%M}",
                row.rule.name,
                row.get_state_display().lower(),
                f"({reasons.in_words(row.reason)})" if row.reason else "",
            )
            for row in rows
        ]
        return format_html("<ul>{}</ul>", SafeString("".join(lines))) if lines else gettext("None.")


class PlanForm(forms.ModelForm):
    number = NumberField()
    attributes = AttributesField()
    exceptions = forms.CharField(
        label=_("Exceptions"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Days without one: 2026-12-24, 2026-12-25."),
    )

    class Meta:
        model = Plan
        fields = ("kind", "starts_on", "at", "time_zone", "rule", "ends_on", "exceptions", "status")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["number"] = self.instance.contact.phone
            self.initial["exceptions"] = ", ".join(self.instance.exceptions)

    def clean_exceptions(self) -> list[str]:
        return [day.strip() for day in self.cleaned_data["exceptions"].split(",") if day.strip()]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            if "number" in given:
                self.instance.contact = given["number"]
            for name in ("rule", "time_zone", "starts_on", "ends_on", "exceptions"):
                setattr(self.instance, name, given[name])
            try:
                plans.check(self.instance)
            except plans.UnusablePlan as problem:
                raise forms.ValidationError({problem.field: str(problem)}) from None
        return given


@admin.register(Plan)
class PlanAdmin(OfContactMixin, PageAdmin):
    empty_list = _("What one person has again and again, such as a medication each morning. Appointments have files.")
    form = PlanForm
    list_display = ("contact", "kind", "rule", "at", "starts_on", "ends_on", "status")
    list_filter = ("status",)
    list_select_related = ("contact",)
    search_fields = ("external_id",)
    show_full_result_count = False
    fields = (
        "number",
        "kind",
        "starts_on",
        "at",
        "time_zone",
        "rule",
        "ends_on",
        "exceptions",
        "attributes",
        "status",
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is ended instead

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        if not change:
            obj.external_id = f"staff-{uuid4()}"
        plans.save(obj)


@admin.register(StaffTask)
class StaffTaskAdmin(LargeTableAdmin):
    list_display = ("appointment", "contact", "reason", "rule", "created_at", "done_at", "who")
    list_select_related = ("appointment__contact", "rule", "done_by")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    fields = readonly_fields = (
        "appointment_link",
        "contact",
        "reason",
        "rule",
        "created_at",
        "done_at",
        "who",
        "done_button",
    )

    def pages(self) -> Any:
        return {"done": ("<int:object_id>/done/", require_POST(self.done_view))}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("Contact"))
    def contact(self, task: StaffTask) -> str:
        return str(task.appointment.contact)

    @display(description=_("Appointment"))
    def appointment_link(self, task: StaffTask) -> SafeString:
        url = reverse("admin:campaigns_appointment_change", args=[task.appointment_id])
        return format_html('<a class="sms-link" href="{}">{}</a>', url, task.appointment)

    @display(description=_("Done by"))
    def who(self, task: StaffTask) -> str:
        return str(task.done_by or task.done_by_label or "–")

    @display(description=_("When it is done"))
    def done_button(self, task: StaffTask) -> SafeString | str:
        if task.done_at:
            return gettext("It is done.")
        url = reverse("admin:campaigns_stafftask_done", args=[task.pk])
        return format_html('<button class="sms-button" type="submit" formaction="{}">{}</button>', url, gettext("Done"))

    def done_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        task = self.allowed(request, object_id, "change")
        todo.finish(task.pk, actor=actor(request))
        return HttpResponseRedirect(reverse("admin:campaigns_stafftask_changelist"))
