"""Files of contacts over HTTP: upload, look at what was understood, correct it, start, follow."""

from typing import Any

from django.db import transaction
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import RelatedId, Strict, StrictModel
from contacts.api.refusals import Invalid, WrongState
from contacts.importing import run
from contacts.importing.read import ImportProblem
from contacts.importing.work import TASKS
from contacts.models import ContactImport, ContactList

_MAPPING: Any = {"type": "object", "additionalProperties": {"type": "string"}}


_SOURCE = "Where everyone in the file agreed to marketing; a column may say it for each."
_AT = "When they did."


@extend_schema_field(_MAPPING)
class MappingField(serializers.DictField):
    """Column of the file → `phone`, `name`, `first_name`, `last_name`, `language`, `time_zone`, `country`,
    `consent_source`, `consent_at`, `opted_out`, `attribute:<name>` or `ignore`."""

    child = serializers.CharField(max_length=100)


class ImportSerializer(StrictModel):
    list = RelatedId(source="contact_list", read_only=True, help_text="Everyone in the file is put on it.")
    header = serializers.ListField(child=serializers.CharField(allow_blank=True), read_only=True)
    mapping = MappingField(help_text=MappingField.__doc__)

    class Meta:
        model = ContactImport
        fields = [
            "id",
            "original_name",
            "list",
            "default_country",
            "consent_source",
            "consent_at",
            "encoding",
            "delimiter",
            "header",
            "mapping",
            "status",
            "error",
            "total_bytes",
            "bytes_read",
            "rows_read",
            "created_count",
            "updated_count",
            "unchanged_count",
            "duplicate_count",
            "rejected_count",
            "opted_out_count",
            "rejected_opted_out_count",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = [name for name in fields if name != "mapping"]


class UploadSerializer(Strict):
    """The file, as multipart/form-data."""

    file = serializers.FileField(help_text="CSV with or without a header, any usual encoding and delimiter.")
    list = RelatedId(queryset=ContactList.objects.all(), required=False, help_text="Id of a list to put everyone on.")
    default_country = serializers.CharField(
        max_length=2, required=False, default="", allow_blank=True, help_text="Of numbers without a country code."
    )
    consent_source = serializers.CharField(max_length=200, default="", allow_blank=True, help_text=_SOURCE)
    consent_at = serializers.DateTimeField(required=False, help_text=_AT)


class MappingSerializer(Strict):
    mapping = MappingField(help_text=MappingField.__doc__, required=False)
    default_country = serializers.CharField(
        max_length=2, required=False, allow_blank=True, help_text="Of numbers without a country code."
    )
    consent_source = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text=_SOURCE)
    consent_at = serializers.DateTimeField(required=False, allow_null=True, help_text=_AT)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"mapping": "This field is required."}, code="required")
        return attrs


class InspectionSerializer(serializers.Serializer):
    """What the first rows of a file show, and how we would read its columns."""

    encoding = serializers.CharField()
    delimiter = serializers.CharField()
    header = serializers.ListField(child=serializers.CharField())
    samples = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    mapping = MappingField()
    problems = serializers.ListField(child=serializers.CharField())


class ImportViewSet(viewsets.ReadOnlyModelViewSet[ContactImport]):
    """Files of contacts. A row with a known number updates that contact; bad rows are set aside with the reason."""

    scope = "imports"
    refusable = ("columns",)
    lookup_value_regex = "[0-9]{1,18}"
    queryset = ContactImport.objects.select_related("contact_list")
    serializer_class = ImportSerializer

    def get_parsers(self) -> list[BaseParser]:
        # Asked before the framework has set `action`.
        return [MultiPartParser()] if self.action_map.get("post") == "create" else super().get_parsers()

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: ImportSerializer})
    def create(self, request: Request) -> Response:
        """Upload a file. Nothing is imported yet: look at `mapping`, correct it if need be, then start."""
        data = UploadSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        try:
            upload = run.prepare(
                file=given["file"],
                original_name=given["file"].name,
                default_country=given["default_country"],
                contact_list=given.get("list"),
                actor=None,
                consent_source=given["consent_source"],
                consent_at=given.get("consent_at"),
            )
        except ImportProblem as problem:
            raise Invalid("file", problem.message) from None
        return Response(self.get_serializer(upload).data, status=201)

    @extend_schema(request=MappingSerializer, responses=ImportSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Say what becomes of each column, of which country numbers are, and what is so of everyone's consent.

        Columns left out are ignored."""
        upload = self.get_object()
        data = MappingSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        if upload.status in (*TASKS, ContactImport.Status.DONE):
            raise WrongState(f"This import is {upload.get_status_display().lower()}; its columns are settled.")
        try:
            with transaction.atomic():
                _change(upload, data.validated_data)
        except ImportProblem as problem:
            raise Invalid("mapping", problem.message) from None
        return Response(self.get_serializer(upload).data)

    @extend_schema(responses=InspectionSerializer)
    @action(detail=True)
    def columns(self, request: Request, pk: str) -> Response:
        """The first rows of the file, and our guess at its columns."""
        try:
            inspection = run.inspect(self.get_object())
        except ImportProblem as problem:
            raise WrongState(problem.message) from None
        return Response(InspectionSerializer(inspection).data)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Count what an import would do, without doing it. Follow `status` until it is `checked`."""
        return self._started(run.start_check)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Import the file. Follow `status` until it is `done` or `failed`; it is all of the file or nothing."""
        return self._started(run.start_run)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True)
    def rejected(self, request: Request, pk: str) -> FileResponse:
        """The rows that were refused, as CSV, each with its line and the reason. Correct them and upload the file."""
        upload = self.get_object()
        if not upload.rejected_file:
            raise NotFound("No rows were refused.")
        return FileResponse(
            upload.rejected_file.open("rb"),
            as_attachment=True,
            filename=f"rejected-{upload.pk}.csv",
            content_type="text/csv; charset=utf-8",
        )

    def _started(self, verb: Any) -> Response:
        upload = self.get_object()
        try:
            verb(upload)
        except ImportProblem as problem:
            raise WrongState(problem.message) from None
        return Response(self.get_serializer(upload).data, status=202)


def _change(upload: ContactImport, given: dict[str, Any]) -> None:
    """Raises ImportProblem about the mapping, Invalid about the country."""
    if "default_country" in given:
        try:
            run.set_country(upload=upload, country=given["default_country"])
        except ImportProblem as problem:
            raise Invalid("default_country", problem.message) from None
    if "mapping" in given:
        run.set_mapping(upload=upload, mapping=given["mapping"])
    if "consent_source" in given or "consent_at" in given:
        run.state_consent(
            upload=upload,
            source=given.get("consent_source", upload.consent_source),
            at=given.get("consent_at", upload.consent_at),
        )
