"""Templates over HTTP."""

from typing import Any

import django_filters
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import costing, languages, templates
from campaigns.api import serializers
from campaigns.api.links import LinkSerializer, saved
from campaigns.errors import InvalidTemplate
from campaigns.models import Template, TemplateVersion
from campaigns.sending import context
from contacts.api.filters import FlagFilter
from contacts.api.refusals import WrongState


class TemplateFilters(django_filters.FilterSet):
    name = django_filters.CharFilter(help_text="The name, exactly.")
    archived = FlagFilter(help_text="true: those that are put away; false: the others.")

    class Meta:
        model = Template
        fields: list[str] = []


class TemplateViewSet(viewsets.ReadOnlyModelViewSet[Template]):
    """Texts with variables, in versions that never change."""

    scope = "templates"
    reads = ("preview", "preview_draft")
    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = serializers.TemplateSerializer
    filterset_class = TemplateFilters
    queryset = Template.objects.prefetch_related(
        Prefetch(
            "versions",
            TemplateVersion.objects.order_by("template_id", "-number").distinct("template_id"),
            to_attr="newest",
        )
    )

    @extend_schema(request=serializers.TemplateWriteSerializer, responses={201: serializers.TemplateSerializer})
    def create(self, request: Request) -> Response:
        """Make a template and the first version of its text."""
        data = serializers.TemplateWriteSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return self._save(Template(), data.validated_data, status=201)

    @extend_schema(request=serializers.TemplateWriteSerializer, responses=serializers.TemplateSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. Another text, or another choice of smart encoding, becomes a new version."""
        template = self.get_object()
        data = serializers.TemplateWriteSerializer(template, data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        return self._save(template, data.validated_data, status=200)

    @extend_schema(operation_id="templates_versions_list", responses=serializers.VersionSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def versions(self, request: Request, pk: str) -> Response:
        """All versions of the text, newest first."""
        versions: Any = TemplateVersion.objects.filter(template=self.get_object())
        page = self.paginate_queryset(versions)
        return self.get_paginated_response(serializers.VersionSerializer(page, many=True).data)

    @extend_schema(operation_id="templates_links_list", responses=LinkSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def links(self, request: Request, pk: str) -> Response:
        """Where short links in its texts lead, by name."""
        return Response(LinkSerializer(self.get_object().links.all(), many=True).data)

    @extend_schema(request=serializers.PreviewSerializer, responses={200: serializers.PreviewedSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def preview(self, request: Request, pk: str) -> Response:
        """The newest text as a contact would get it, its segments, and what makes it expensive."""
        version = templates.latest(self.get_object())
        if version is None:
            raise WrongState("This template has no text yet.")
        data = serializers.PreviewSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        body = languages.text(version, _language(data.validated_data))
        return _preview(body, version.smart_encoding, data.validated_data)

    @extend_schema(
        operation_id="templates_preview_draft",
        request=serializers.DraftPreviewSerializer,
        responses={200: serializers.PreviewedSerializer},
    )
    @action(detail=False, methods=["post"], url_path="preview", filterset_class=None)
    def preview_draft(self, request: Request) -> Response:
        """A text that is not saved, as a contact would get it, its segments, and what makes it expensive."""
        data = serializers.DraftPreviewSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        return _preview(given["body"], given["smart_encoding"], given)

    def _save(self, template: Template, given: dict[str, Any], *, status: int) -> Response:
        given = dict(given)
        links = given.pop("links", None)
        text: dict[str, Any] = {
            name: given.pop(name) for name in ("body", "translations", "smart_encoding") if name in given
        }
        try:
            with transaction.atomic():
                for name, value in given.items():
                    setattr(template, name, value)
                template.save(update_fields=list(given) if template.pk else None)
                if text:
                    _save_text(template, text)
                saved(template, links)
        except InvalidTemplate as error:
            where = (
                {"translations": {error.language: _sentences(error)}} if error.language else {"body": _sentences(error)}
            )
            raise ValidationError(where) from None
        known: QuerySet[Template] = self.get_queryset()
        return Response(self.get_serializer(known.get(pk=template.pk)).data, status=status)


def _save_text(template: Template, text: dict[str, Any]) -> None:
    last = templates.latest(template)
    templates.save_version(
        template=template,
        body=text.get("body", last.body if last else ""),
        translations=text.get("translations"),
        smart_encoding=text.get("smart_encoding", last.smart_encoding if last else True),
        actor=None,
    )


def _sentences(error: InvalidTemplate) -> list[str]:
    return [f"Line {problem.line}, column {problem.column}: {problem.message}." for problem in error.problems]


def _language(given: dict[str, Any]) -> str:
    contact = given.get("contact")
    return str(contact.language if contact else given.get("variables", {}).get("language", ""))


def _preview(body: str, smart_encoding: bool, given: dict[str, Any]) -> Response:
    shown = templates.preview(
        body=body,
        smart_encoding=smart_encoding,
        contact=given.get("contact"),
        context=context(given["variables"]) if "variables" in given else None,
    )
    found = costing.costs(shown.segmentation.segments, given.get("countries", ()), given["lane"])
    told = {
        "text": shown.text,
        "segmentation": shown.segmentation,
        "replaced": shown.replaced,
        "problems": shown.problems,
        "hints": shown.hints,
        "costs": found,
    }
    return Response(serializers.PreviewedSerializer(told).data)
