from datetime import datetime, timedelta

import django_filters
from django.db.models import QuerySet

from contacts.api.filters import PhoneFilter, TimeFilter
from delivery.ids import first_id
from delivery.models import Inbound, Message
from delivery.states import Status

#: The id of a campaign's message is of its launch: how long after that it may be written.
LONGEST_WRITING = timedelta(days=1)
CLOCKS_DIFFER = timedelta(minutes=10)


class MessageFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Status.choices)
    recipient = PhoneFilter(field_name="recipient", help_text="The number, exactly.")
    created_from = TimeFilter(method="from_time", help_text="Made at or after this time (ISO 8601).")
    created_before = TimeFilter(method="before_time", help_text="Made before this time (ISO 8601).")

    class Meta:
        model = Message
        fields: list[str] = []

    # The primary key is by time (UUIDv7): a bound on it keeps the walk through the index short.

    def from_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__gte=first_id(value, -LONGEST_WRITING), created_at__gte=value)

    def before_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__lt=first_id(value, CLOCKS_DIFFER), created_at__lt=value)


class InboundFilters(django_filters.FilterSet):
    phone = PhoneFilter(field_name="phone", help_text="Who wrote.")
    keyword = django_filters.ChoiceFilter(choices=[choice for choice in Inbound.Keyword.choices if choice[0]])

    class Meta:
        model = Inbound
        fields: list[str] = []
