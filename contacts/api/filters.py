"""Filters that the lists of every floor use, and those of contacts."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field

from contacts.api.refusals import BadParameter
from contacts.models import Contact, Suppression
from contacts.phone import InvalidPhone, normalise


class PhoneFilter(django_filters.CharFilter):
    """One number exactly, in any usual writing. An unescaped plus sign arrives as a space, and is taken for one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, max_length=64, **kwargs)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        if not value:
            return qs
        raw = "+" + value.strip() if value.startswith(" ") else value
        try:
            phone = normalise(raw, default_country=settings.DEFAULT_COUNTRY)
        except InvalidPhone as problem:
            raise BadParameter(str(self.field_name), problem.message) from None
        return qs.filter(**{str(self.field_name): phone.e164})


class IdFilter(django_filters.NumberFilter):
    """Exactly one id."""

    field_class = forms.IntegerField

    def __init__(self, *, help_text: str, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, help_text=help_text, **kwargs)
        described = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "description": help_text}
        extend_schema_field(described)(self)


class UtcField(IsoDateTimeField):
    """Taken to UTC here: Postgres refuses offsets beyond ±16 hours, which ISO 8601 allows."""

    def to_python(self, value: Any) -> datetime | None:
        time: datetime | None = super().to_python(value)
        try:
            return time and time.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This time is out of range.") from None


class TimeFilter(django_filters.IsoDateTimeFilter):
    field_class = UtcField


class FlagFilter(django_filters.TypedChoiceFilter):
    """true or false, and nothing that is silently taken for neither."""

    def __init__(self, *, help_text: str, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda value: value == "true", help_text=help_text, **kwargs)
        extend_schema_field({"type": "boolean", "description": help_text})(self)


class ContactFilters(django_filters.FilterSet):
    list = IdFilter(field_name="memberships__contact_list_id", help_text="Id of a list they are on.")
    phone = PhoneFilter(field_name="phone", help_text="The number.")
    country = django_filters.CharFilter(
        method="of_country", max_length=2, help_text="Two letters of the country, e.g. FR."
    )
    updated_since = TimeFilter(
        field_name="updated_at", lookup_expr="gte", help_text="Changed at or after this time (ISO 8601)."
    )

    class Meta:
        model = Contact
        fields: list[str] = []

    def of_country(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(country=value.upper())


class SuppressionFilters(django_filters.FilterSet):
    phone = PhoneFilter(field_name="phone", help_text="The number.")
    scope = django_filters.CharFilter(field_name="scope", help_text="The sender that it is about, by its address.")
    reason = django_filters.ChoiceFilter(choices=Suppression.Reason.choices)
    active = FlagFilter(field_name="lifted_at", lookup_expr="isnull", help_text="true: in force; false: lifted.")

    class Meta:
        model = Suppression
        fields: list[str] = []
