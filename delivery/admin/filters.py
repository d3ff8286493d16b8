"""Narrowing the list of messages by what an index can answer."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact
from delivery.ids import first_id
from delivery.lanes import Lane
from delivery.models import Message, Provider
from delivery.states import Status

Choices = list[tuple[str, str]]


class When(admin.SimpleListFilter):
    """By the time in the key itself; of a campaign's messages, that of its launch."""

    title = _("time")
    parameter_name = "when"
    spans = {
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "month": timedelta(days=30),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("hour", gettext("Last hour")),
            ("day", gettext("Last 24 hours")),
            ("week", gettext("Last 7 days")),
            ("month", gettext("Last 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message] | None:
        span = self.spans.get(self.value() or "")
        if span is None:
            return None
        return queryset.filter(pk__gte=first_id(timezone.now() - span))


class _Equals(admin.SimpleListFilter):
    field: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message] | None:
        value = self.value()
        if value is None:
            return None
        return queryset.filter(**{self.field: value}) if value in dict(self.lookup_choices) else queryset.none()


class ByStatus(_Equals):
    title, parameter_name, field = _("status"), "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(status.value, str(status.label)) for status in Status]


class ByLane(_Equals):
    title, parameter_name, field = _("lane"), "lane", "lane"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(str(lane.value), str(lane.label)) for lane in Lane]


class ByProvider(_Equals):
    title, parameter_name, field = _("provider"), "provider", "provider_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(str(pk), name) for pk, name in Provider.objects.order_by("name").values_list("pk", "name")[:50]]


class ToContact(admin.SimpleListFilter):
    """Everything sent to a contact's number: a contact's own page links here."""

    title, parameter_name = _("contact"), "contact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(self.value() or "", gettext("This contact"))] if self.value() else []

    def has_output(self) -> bool:
        return bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message] | None:
        value = self.value()
        if not value:
            return None
        if not value.isdecimal() or len(value) > 18 or not request.user.has_perm("contacts.view_contact"):
            return queryset.none()
        phones = list(Contact.objects.filter(pk=int(value)).values_list("phone", flat=True))
        return queryset.filter(recipient__in=phones)
