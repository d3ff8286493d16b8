from datetime import datetime, timedelta
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from contacts.api.filters import PhoneFilter, TimeFilter
from contacts.api.refusals import BadParameter
from delivery import finding
from delivery.api.serializers import LANES
from delivery.ids import ANYTIME, LATEST, first_id
from delivery.models import Inbound, Message
from delivery.models.requests import MAX_REFERENCE
from delivery.states import Status

#: The id of a campaign's message is of its launch: how long after that it may be written.
LONGEST_WRITING = timedelta(days=1)
CLOCKS_DIFFER = timedelta(minutes=10)


class MessageFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Status.choices)
    lane = django_filters.TypedChoiceFilter(choices=[(name, name) for name in LANES], coerce=LANES.get)
    recipient = PhoneFilter(
        field_name="recipient", help_text="The number, exactly. Logs keep addresses: search has it in the body."
    )
    client_reference = django_filters.CharFilter(
        method="of_reference", max_length=MAX_REFERENCE, help_text="What its caller calls it, exactly."
    )
    metadata = django_filters.CharFilter(
        method="of_metadata", max_length=5000, help_text="One pair, as name:value; of the newest 10,000 that have it."
    )
    created_from = TimeFilter(method="from_time", help_text="Made at or after this time (ISO 8601).")
    created_before = TimeFilter(method="before_time", help_text="Made before this time (ISO 8601).")

    class Meta:
        model = Message
        fields: list[str] = []

    # The primary key is by time (UUIDv7): a bound on it keeps the walk through the index short.

    def from_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__gte=_first(value), created_at__gte=value)

    def before_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__lt=_end(value), created_at__lt=value)

    def of_reference(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return finding.with_reference(queryset, value, **self._bounds())

    def of_metadata(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        called, colon, pair = value.partition(":")
        if not (called and colon):
            raise BadParameter("metadata", "Write it as name:value.")
        return finding.with_metadata(queryset, called, pair, **self._bounds())

    def _bounds(self) -> dict[str, UUID]:
        begins, ends = (self.form.cleaned_data.get(name) for name in ("created_from", "created_before"))
        return {"first": _first(begins) if begins else ANYTIME, "end": _end(ends) if ends else LATEST}


def _first(at: datetime) -> UUID:
    return first_id(at, -LONGEST_WRITING)


def _end(at: datetime) -> UUID:
    return first_id(at, CLOCKS_DIFFER)


class InboundFilters(django_filters.FilterSet):
    phone = PhoneFilter(field_name="phone", help_text="Who wrote.")
    keyword = django_filters.ChoiceFilter(choices=[choice for choice in Inbound.Keyword.choices if choice[0]])

    class Meta:
        model = Inbound
        fields: list[str] = []
