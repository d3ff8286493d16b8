"""Appointments over HTTP: one, many, or a file of them; each is written once, by its source's own id."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.appointments import csv_files, fhir, ical
from campaigns.appointments.files import MAX_BYTES, UnreadableFile
from campaigns.appointments.items import MAX_EXTERNAL_ID, MAX_KIND, MAX_SOURCE, Item, Outcome, Result, as_known
from campaigns.appointments.upsert import upsert
from campaigns.models import Appointment, Reminder
from campaigns.reminders import reasons
from contacts.api.fields import Strict, validated
from contacts.api.filters import IdFilter
from contacts.api.refusals import Invalid
from contacts.api.serializers import AttributesField
from delivery import clock

MAX_BULK = 5_000


@extend_schema_field({"type": "string", "example": "2030-05-04T14:30"})
class TimeField(serializers.Field):
    """ISO 8601; without an offset it is local to `time_zone`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text=self.__doc__, **kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(data if isinstance(data, str) else "")
        except ValueError:
            raise serializers.ValidationError("Write it as in ISO 8601: 2026-05-04T14:30.") from None


class ChangeSerializer(Strict):
    starts_at = TimeField(required=False)
    time_zone = serializers.CharField(max_length=64, required=False, help_text="e.g. Europe/Berlin.")
    kind = serializers.CharField(max_length=MAX_KIND, required=False, allow_blank=True)
    attributes = AttributesField(required=False, help_text=AttributesField.__doc__)
    status = serializers.ChoiceField(choices=Appointment.Status.choices, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A visit",
            value={
                "external_id": "visit-4711",
                "phone": "+14155550123",
                "starts_at": "2030-05-04T14:30",
                "time_zone": "America/Los_Angeles",
                "kind": "visit",
                "attributes": {"doctor": "Dr Okafor"},
                "version": 3,
            },
            request_only=True,
        )
    ]
)
class WriteSerializer(ChangeSerializer):
    """An appointment as its source has it now, the whole of it. Give the contact's id, identifier or number."""

    external_id = serializers.CharField(max_length=MAX_EXTERNAL_ID, help_text="The source's own id.")
    starts_at = TimeField()
    contact = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of a contact.")
    identifier = serializers.CharField(
        required=False, max_length=2000, help_text="The contact's attribute `identifier`."
    )
    phone = serializers.CharField(required=False, max_length=64, help_text="A number nobody has makes a contact.")
    name = serializers.CharField(required=False, max_length=200, help_text="Of a contact that is made.")
    version = serializers.IntegerField(
        required=False, min_value=-(2**63), max_value=2**63 - 1, help_text="An older one than is known is left."
    )
    updated_at = TimeField(required=False)


class SingleSerializer(WriteSerializer):
    source: Any = serializers.CharField(max_length=MAX_SOURCE, required=False, default="", allow_blank=True)


class BulkSerializer(Strict):
    """Up to 5,000 appointments of one source."""

    source: Any = serializers.CharField(max_length=MAX_SOURCE, required=False, default="", allow_blank=True)
    appointments = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MAX_BULK, help_text="Each as for a single one."
    )


class FileSerializer(Strict):
    """The file, as multipart/form-data."""

    file = serializers.FileField(help_text="CSV, iCalendar or FHIR R4 JSON, up to 20 MB and 20,000 appointments.")
    format = serializers.ChoiceField(choices=["csv", "ical", "fhir"])
    source: Any = serializers.CharField(max_length=MAX_SOURCE, required=False, default="", allow_blank=True)
    time_zone = serializers.CharField(
        max_length=64, required=False, default="", allow_blank=True, help_text="Of those that name none."
    )
    default_country = serializers.CharField(
        max_length=2, required=False, default="", allow_blank=True, help_text="Of numbers without a country code."
    )
    phone_property = serializers.RegexField(
        r"^[A-Za-z0-9-]{1,64}$", required=False, default="", help_text="Property of a calendar's event with the number."
    )


class AppointmentSerializer(serializers.ModelSerializer):
    contact = serializers.IntegerField(source="contact_id", help_text="Id of the contact.")
    attributes = AttributesField()
    version = serializers.IntegerField(source="source_version", allow_null=True)

    class Meta:
        model = Appointment
        fields = [
            *("id", "source", "external_id", "contact", "starts_at", "time_zone", "kind", "attributes", "status"),
            *("time_version", "version", "answered_at", "created_at", "updated_at"),
        ]


class ResultSerializer(serializers.Serializer):
    external_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[(outcome.value, outcome.value) for outcome in Outcome])
    detail = serializers.CharField(help_text="Why it was rejected or left as it was.")
    id = serializers.IntegerField(source="appointment_id", allow_null=True)


@extend_schema_serializer(component_name="AppointmentResults")
class ResultsSerializer(serializers.Serializer):
    """How many of each outcome, and what became of every one, in order."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = ResultSerializer(many=True)


class ReminderSerializer(serializers.ModelSerializer):
    rule = serializers.IntegerField(source="rule_id")
    why = serializers.SerializerMethodField(help_text="The reason in words.")

    class Meta:
        model = Reminder
        fields = [
            *("id", "rule", "purpose", "time_version", "due_at", "valid_until", "state", "reason", "why"),
            *("message_id", "submitted_at"),
        ]

    def get_why(self, reminder: Reminder) -> str:
        return reasons.in_words(reminder.reason)


class AppointmentFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Appointment.Status.choices)
    contact = IdFilter(field_name="contact_id", help_text="Id of the contact.")
    external_id = django_filters.CharFilter(help_text="The source's own id, exactly.")

    class Meta:
        model = Appointment
        fields: list[str] = []


class AppointmentViewSet(viewsets.ReadOnlyModelViewSet[Appointment]):
    """Dated things that people are reminded of. Reminders follow from them, and from the rules, by themselves."""

    scope = "appointments"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Appointment.objects.all()
    serializer_class = AppointmentSerializer
    filterset_class = AppointmentFilters

    def get_parsers(self) -> list[BaseParser]:
        return [MultiPartParser()] if self.action_map.get("post") == "files" else super().get_parsers()

    @extend_schema(request=SingleSerializer, responses={201: AppointmentSerializer, 200: AppointmentSerializer})
    def create(self, request: Request) -> Response:
        """Write an appointment: a new one, or what is known under its id brought up to date. Repeat it as you like."""
        given = validated(SingleSerializer, request)
        return self._written(_item(given), given["source"])

    @extend_schema(request=ChangeSerializer, responses=AppointmentSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given: move it, confirm it, cancel it. `attributes` are replaced as a whole."""
        row = self.get_object()
        return self._written(replace(as_known(row), **validated(ChangeSerializer, request)), row.source)

    @extend_schema(request=BulkSerializer, responses=ResultsSerializer)
    @action(detail=False, methods=["post"], filterset_class=None)
    def bulk(self, request: Request) -> Response:
        """Write many. Each has its own answer; one that is wrong keeps no other back."""
        given = validated(BulkSerializer, request)
        items = (_checked(raw) for raw in given["appointments"])
        return _answer(list(upsert(items, source=given["source"])))

    @extend_schema(request={"multipart/form-data": FileSerializer}, responses=ResultsSerializer)
    @action(detail=False, methods=["post"], filterset_class=None)
    def files(self, request: Request) -> Response:
        """Write the appointments of a file. Repeating events of a calendar are written half a year ahead."""
        given = validated(FileSerializer, request)
        if given["file"].size > MAX_BYTES:
            raise Invalid("file", f"The file has more than {MAX_BYTES // 1024**2} MB.")
        data = given["file"].read()
        try:
            if given["format"] == "csv":
                items = csv_files.read(data)
            elif given["format"] == "fhir":
                items = fhir.read(data)
            else:
                items = ical.read(data, now=clock.now(), phone_property=given["phone_property"])
        except UnreadableFile as problem:
            raise Invalid("file", str(problem)) from None
        country = given["default_country"] or None
        found = upsert(items, source=given["source"], default_zone=given["time_zone"], default_country=country)
        return _answer(list(found))

    @extend_schema(operation_id="appointments_reminders_list", responses=ReminderSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def reminders(self, request: Request, pk: str) -> Response:
        """Its reminders, and what became of each."""
        found: Any = Reminder.objects.filter(appointment=self.get_object())
        page = self.paginate_queryset(found)
        return self.get_paginated_response(ReminderSerializer(page, many=True).data)

    def _written(self, item: Item, source: str) -> Response:
        (result,) = upsert([item], source=source)
        if result.outcome == Outcome.REJECTED:
            raise Invalid("non_field_errors", result.detail)
        row = Appointment.objects.get(source=source, external_id=item.external_id)
        return Response(AppointmentSerializer(row).data, status=201 if result.outcome == Outcome.CREATED else 200)


def _checked(raw: dict[str, Any]) -> Item:
    data = WriteSerializer(data=raw)
    if data.is_valid():
        return _item(data.validated_data)
    field, problems = next(iter(data.errors.items()))
    said = problems[0] if isinstance(problems, list) else "It is not valid."
    external_id = raw.get("external_id")
    return Item(external_id[:MAX_EXTERNAL_ID] if isinstance(external_id, str) else "", None, problem=f"{field}: {said}")


def _item(given: dict[str, Any]) -> Item:
    changed: datetime | None = given.get("updated_at")
    attributes = {name: value for name, value in given.get("attributes", {}).items() if value is not None}
    return Item(
        external_id=given["external_id"],
        starts_at=given["starts_at"],
        time_zone=given.get("time_zone", ""),
        contact_id=given.get("contact"),
        phone=given.get("phone", ""),
        identifier=given.get("identifier", ""),
        name=given.get("name", ""),
        kind=given.get("kind", ""),
        attributes=attributes,
        status=given.get("status", Appointment.Status.BOOKED.value),
        source_version=given.get("version"),
        source_at=changed if changed is None or changed.tzinfo else changed.replace(tzinfo=UTC),
    )


def _answer(results: list[Result]) -> Response:
    counts = Counter(result.outcome for result in results)
    numbers = {outcome.value: counts[outcome] for outcome in Outcome}
    return Response(ResultsSerializer(numbers | {"results": results}).data)
