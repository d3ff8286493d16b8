"""Campaigns over HTTP: prepared as drafts, then moved by actions."""

from collections.abc import Callable
from typing import Any

import django_filters
from django.db import transaction
from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from campaigns import control, launch, progress, retrying
from campaigns.api import serializers
from campaigns.api.progress import ProgressSerializer
from campaigns.api.report import CampaignClicksSerializer, ReportSerializer
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Variant
from campaigns.report import report
from contacts.api.fields import key_label
from contacts.api.filters import IdFilter
from contacts.api.refusals import Conflict, WrongState
from delivery.api import senders


class CampaignRefused(Conflict):
    problem = "campaign-refused"


class CampaignFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Campaign.Status.choices)
    template = IdFilter(field_name="template_id", help_text="Id of the template.")

    class Meta:
        model = Campaign
        fields: list[str] = []


def _move(request_serializer: Any) -> Callable[[Any], Any]:
    """An action that changes the campaign's status, and answers with the campaign."""

    def decorate(method: Any) -> Any:
        # In this order: `action` would put its own in the place of what is described.
        acting = action(detail=True, methods=["post"], filterset_class=None)(method)
        return extend_schema(request=request_serializer, responses={200: serializers.CampaignSerializer})(acting)

    return decorate


class CampaignViewSet(
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.ReadOnlyModelViewSet[Campaign],
):
    """One text to everyone on some lists. A draft may be changed; what was launched is moved by its actions."""

    scope = "campaigns"
    reads = ("preflight",)
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Campaign.objects.select_related("template_version").prefetch_related(
        "include", "exclude", Prefetch("variants", Variant.objects.select_related("template_version"))
    )
    serializer_class = serializers.CampaignSerializer
    filterset_class = CampaignFilters

    def perform_update(self, serializer: BaseSerializer) -> None:
        with transaction.atomic():
            _lock_draft(serializer.instance)
            serializer.save()

    def perform_destroy(self, instance: Campaign) -> None:
        with transaction.atomic():
            _lock_draft(instance)
            instance.delete()

    @extend_schema(request=serializers.EmptySerializer, responses={200: serializers.PreflightSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def preflight(self, request: Request, pk: str) -> Response:
        """Who would get it, who would not and why, what it would cost, and what keeps it from being launched."""
        _read(serializers.EmptySerializer, request)
        return Response(serializers.PreflightSerializer(launch.preflight(self.get_object())).data)

    @_move(serializers.EmptySerializer)
    def launch(self, request: Request, pk: str) -> Response:
        """Start sending now. The template's version and the audience are frozen."""
        return self._moved(request, launch.launch, **_read(serializers.EmptySerializer, request))

    @_move(serializers.ScheduleSerializer)
    def schedule(self, request: Request, pk: str) -> Response:
        """Launch at a later time; a scheduled one may be given another time."""
        return self._moved(request, launch.schedule, **_read(serializers.ScheduleSerializer, request))

    @_move(serializers.EmptySerializer)
    def unschedule(self, request: Request, pk: str) -> Response:
        """Make a scheduled campaign a draft again."""
        return self._moved(request, launch.unschedule, **_read(serializers.EmptySerializer, request))

    @_move(serializers.ReasonSerializer)
    def pause(self, request: Request, pk: str) -> Response:
        """Send nothing more of it until it is resumed. What a provider has already goes out."""
        return self._moved(request, control.pause, **_read(serializers.ReasonSerializer, request))

    @_move(serializers.ReasonSerializer)
    def resume(self, request: Request, pk: str) -> Response:
        """Go on where it was paused; nobody is skipped or texted twice."""
        return self._moved(request, control.resume, **_read(serializers.ReasonSerializer, request))

    @_move(serializers.ReasonSerializer)
    def cancel(self, request: Request, pk: str) -> Response:
        """Send nothing more of it, for good."""
        return self._moved(request, control.cancel, **_read(serializers.ReasonSerializer, request))

    @_move(serializers.LimitSerializer)
    def limit(self, request: Request, pk: str) -> Response:
        """Slow it down, let it run free again, or change how much it may send; what is not given stays as it is."""
        return self._moved(request, control.limit, **_read(serializers.LimitSerializer, request))

    @_move(serializers.ReasonSerializer)
    def retry(self, request: Request, pk: str) -> Response:
        """Send again what failed for a passing reason, each as a further attempt. A completed campaign runs again."""
        return self._moved(request, retrying.retry_failed, **_read(serializers.ReasonSerializer, request))

    @extend_schema(responses=ProgressSerializer)
    @action(detail=True, filterset_class=None)
    def progress(self, request: Request, pk: str) -> Response:
        """How far it got: messages by status and reason, exact at this moment. Cheap, so ask as often as you like."""
        return Response(ProgressSerializer(progress.progress(self.get_object())).data)

    @extend_schema(responses=ReportSerializer)
    @action(detail=True, filterset_class=None)
    def report(self, request: Request, pk: str) -> Response:
        """What it came to: the funnel, failures, clicks and answers, cost; by country and sender, and over time."""
        return Response(ReportSerializer(report.of(self.get_object())).data)

    @extend_schema(responses=CampaignClicksSerializer)
    @action(detail=True, filterset_class=None)
    def clicks(self, request: Request, pk: str) -> Response:
        """Its short links, where they lead, and how often they were followed: exact at this moment."""
        return Response(CampaignClicksSerializer(report.clicks(self.get_object())).data)

    def _moved(self, request: Request, verb: Callable[..., Any], **given: Any) -> Response:
        campaign = self.get_object()
        senders.check(request, campaign.sender_id)
        try:
            verb(campaign=campaign, actor=None, actor_label=key_label(request), **given)
        except CampaignError as error:
            raise CampaignRefused(str(error), problems=list(error.problems)) from None
        return Response(self.get_serializer(self.get_object()).data)


def _read(serializer: type[BaseSerializer], request: Request) -> dict[str, Any]:
    data = serializer(data=request.data)
    data.is_valid(raise_exception=True)
    given: dict[str, Any] = data.validated_data
    return given


def _lock_draft(campaign: Any) -> None:
    status = Campaign.objects.select_for_update().values_list("status", flat=True).get(pk=campaign.pk)
    if status != Campaign.Status.DRAFT:
        raise WrongState(
            f"This campaign is {Campaign.Status(status).label.lower()}; only a draft can be changed or deleted.",
            campaign_status=status,
        )
