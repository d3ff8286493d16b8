"""Contacts and lists."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from contacts import consent, lists
from contacts.admin.attributes import AttributesField
from contacts.admin.base import LargeTableAdmin, NumbersMixin, PageAdmin
from contacts.admin.finding import find_contacts
from contacts.admin.guard import uses_of
from contacts.consents.standing import Standing, state_of
from contacts.models import ConsentEvent, Contact, ContactList, Suppression
from contacts.phone import InvalidPhone, normalise
from contacts.retelling import retold
from contacts.wording import figure

#: How somebody stands to a purpose, where something is recorded.
_STANDINGS = {
    Standing.GRANTED: _("granted"),
    Standing.WITHDRAWN: _("withdrawn"),
    Standing.PENDING: _("pending"),
}


class OnList(admin.SimpleListFilter):
    """Through the membership's own index, without a DISTINCT."""

    title = _("list")
    parameter_name = "list"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in ContactList.objects.values_list("pk", "name")[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact] | None:
        value = self.value()
        return queryset.filter(memberships__contact_list_id=int(value)) if value and value.isdecimal() else None


class ContactForm(forms.ModelForm):
    phone = forms.CharField(
        label=_("Number"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("With country code, such as +44 20 7946 0018, or as dialled in your own country."),
    )
    attributes = AttributesField()
    on_lists = forms.ModelMultipleChoiceField(
        label=_("Lists"),
        queryset=ContactList.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    class Meta:
        model = Contact
        fields = ("phone", "name", "language", "time_zone", "country", "attributes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "on_lists" in self.fields:
            self.initial["on_lists"] = list(self.instance.lists.values_list("pk", flat=True))

    def clean_phone(self) -> str:
        try:
            phone = normalise(self.cleaned_data["phone"], default_country=settings.DEFAULT_COUNTRY or None)
        except InvalidPhone as problem:
            raise forms.ValidationError(problem.message) from None
        self.instance.country = self.instance.country or phone.country
        if consent.erased_among([phone.e164]):
            raise forms.ValidationError(gettext("Its owner had themselves erased: only a START from them undoes that."))
        return phone.e164

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"].upper() or self.instance.country
        return country


@admin.register(Contact)
class ContactAdmin(NumbersMixin, LargeTableAdmin):
    form = ContactForm
    change_form_template = "contacts/admin/contact.html"
    list_display = ("who", "number", "country", "language", "created_at")
    list_filter = (OnList,)
    search_fields = ("phone", "name")
    search_help_text = _("Number, its beginning, or a name")
    fieldsets = (
        (None, {"fields": ("number", "name", "on_lists")}),
        (_("For templates"), {"fields": ("language", "time_zone", "country", "attributes")}),
    )
    add_fieldsets = (
        (None, {"fields": ("phone", "name", "on_lists")}),
        (_("For templates"), {"fields": ("language", "time_zone", "country", "attributes")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The number is the identity: another number is another contact.
        return ("phone", "number", "masked_number") if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        return (find_contacts(queryset, search_term, request.user) if search_term else queryset), False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        contact: Contact = form.instance
        before = set(contact.lists.values_list("pk", flat=True))
        wanted: dict[int, ContactList] = {chosen.pk: chosen for chosen in form.cleaned_data["on_lists"]}
        for pk in wanted.keys() - before:
            lists.add(contact_list=wanted[pk], contact_ids=[contact.pk])
        for left in ContactList.objects.filter(pk__in=before - wanted.keys()):
            lists.remove(contact_list=left, contact_ids=[contact.pk])

    @display(description=_("Name"))
    def who(self, contact: Contact) -> str:
        return contact.name or gettext("(no name)")

    def standing(self, contact: Contact) -> SafeString | str:
        """Whether they may be texted, or by whom and why not."""
        active = Suppression.objects.filter(phone=contact.phone, lifted_at=None).order_by("scope")
        return format_html_join(
            mark_safe("<br>"),
            '{}: <a class="sms-link" href="{}">{}</a> {}',
            (
                (
                    gettext("Not by %(scope)s") % {"scope": suppression.scope} if suppression.scope else gettext("No"),
                    reverse("admin:contacts_suppression_change", args=[suppression.pk]),
                    gettext("%(reason)s, since %(day)s")
                    % {
                        "reason": suppression.get_reason_display().lower(),
                        "day": date_format(suppression.created_at, gettext("j F Y")),
                    },
                    f"({retold(suppression.evidence)})" if suppression.evidence else "",
                )
                for suppression in active[:20]
            ),
        ) or gettext("Yes")

    def consents(self, contact: Contact) -> str:
        """What they agreed to, by purpose."""
        found = ((kind.label, state_of(contact.phone, kind)) for kind in ConsentEvent.Purpose)
        return ", ".join(
            f"{label}: {_STANDINGS[standing]}" for label, standing in found if standing in _STANDINGS
        ) or gettext("None")

    @display(description=_("Messages"))
    def messages_link(self, contact: Contact) -> SafeString:
        url = reverse("admin:delivery_message_changelist")
        words = gettext("Messages to this number")
        return format_html('<a class="sms-link" href="{}?contact={}">{}</a>', url, contact.pk, words)


@admin.register(ContactList)
class ContactListAdmin(PageAdmin):
    list_display = ("name", "people", "description", "created_at")
    search_fields = ("name",)
    fields = ("name", "description", "is_marketing", "people")
    readonly_fields = ("people",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else self.fields[:3]

    @display(description=_("Contacts"), ordering="size")
    def people(self, contact_list: ContactList) -> SafeString:
        url = reverse("admin:contacts_contact_changelist")
        return format_html(
            '<a class="sms-link" href="{}?list={}" data-testid="list-size">{}</a>',
            url,
            contact_list.pk,
            ngettext("%(number)s contact", "%(number)s contacts", contact_list.size)
            % {"number": figure(contact_list.size)},
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], list[str]]:
        """Without collecting a million memberships, and never from under a campaign that names the list."""
        chosen: list[Any] = list(objs)
        sizes = [
            ngettext(
                "%(list)s (%(number)s membership; the contacts stay)",
                "%(list)s (%(number)s memberships; the contacts stay)",
                item.size,
            )
            % {"list": item, "number": figure(item.size)}
            for item in chosen
        ]
        return sizes, {"lists": len(chosen)}, set(), [use for item in chosen for use in uses_of(item)]
