from datetime import UTC, datetime, timedelta
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from contacts.api.filters import IdFilter, PhoneFilter, TimeFilter
from delivery.models import Inbound, Message
from delivery.states import Status

#: A row may be given its id a while before or after it is given its time.
SLACK = timedelta(minutes=10)


class MessageFilters(django_filters.FilterSet):
    campaign = IdFilter(field_name="campaign_id", help_text="Id of the campaign.")
    status = django_filters.ChoiceFilter(choices=Status.choices)
    recipient = PhoneFilter(field_name="recipient", help_text="The number, exactly.")
    created_from = TimeFilter(method="from_time", help_text="Made at or after this time (ISO 8601).")
    created_before = TimeFilter(method="before_time", help_text="Made before this time (ISO 8601).")

    class Meta:
        model = Message
        fields: list[str] = []

    # The primary key is by time (UUIDv7): a bound on it keeps the walk through the index short.

    def from_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__gte=first_id(value, -SLACK), created_at__gte=value)

    def before_time(self, queryset: QuerySet, name: str, value: datetime) -> QuerySet:
        return queryset.filter(id__lt=first_id(value, SLACK), created_at__lt=value)


class InboundFilters(django_filters.FilterSet):
    phone = PhoneFilter(field_name="phone", help_text="Who wrote.")
    keyword = django_filters.ChoiceFilter(choices=[choice for choice in Inbound.Keyword.choices if choice[0]])

    class Meta:
        model = Inbound
        fields: list[str] = []


def first_id(at: datetime, shift: timedelta) -> UUID:
    """The least UUIDv7 of a millisecond (RFC 9562 §5.7: 48 bits of Unix time come first)."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC) + shift) // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)
