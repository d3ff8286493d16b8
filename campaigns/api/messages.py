"""Messages over HTTP, with what needs templates and campaigns: sending them, one or many, and finding a campaign's."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import messages, sending
from campaigns.api import batches
from campaigns.api.many import (
    MAX_BATCH_BYTES,
    BatchResultSerializer,
    BatchSerializer,
    ForecastRequestSerializer,
    ForecastsSerializer,
    SearchSerializer,
)
from campaigns.api.sending import SendSerializer, SentSerializer, wanted
from contacts.api.filters import IdFilter
from contacts.api.refusals import Invalid
from contacts.api.steps import Run, by_itself
from delivery import submit
from delivery.api import senders
from delivery.api.filters import MessageFilters
from delivery.api.serializers import MessageSerializer
from delivery.api.views import MessageViewSet


class CampaignMessageFilters(MessageFilters):
    campaign = IdFilter(method="of_campaign", help_text="Id of the campaign.")

    def of_campaign(self, queryset: QuerySet, name: str, value: int) -> QuerySet:
        return messages.of(int(value), queryset)


class SendingViewSet(MessageViewSet):
    __doc__ = MessageViewSet.__doc__
    filterset_class = CampaignMessageFilters
    reads = ("search",)
    stepwise = ("batch",)
    large_bodies = {"batch": MAX_BATCH_BYTES}
    run_steps: Run = staticmethod(by_itself)

    @extend_schema(request=SendSerializer, responses={201: SentSerializer})
    def create(self, request: Request) -> Response:
        """Send one text. It is queued when this answers; a suppressed number gets a message that says so.

        Give an Idempotency-Key, so that a repeated request does not text twice.
        """
        given = _valid(SendSerializer, request)
        try:
            message = sending.send(wanted(given, senders.use(request)))
        except submit.SubmitError as error:
            raise Invalid(error.about or "non_field_errors", str(error)) from None
        return Response(SentSerializer(message).data, status=201)

    @extend_schema(request=BatchSerializer, responses={200: BatchResultSerializer})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def batch(self, request: Request) -> Response:
        """Send up to 10,000 texts. Each has a result of its own; one that is wrong keeps no other back.

        Give an Idempotency-Key: repeated under it, a batch that was cut short is finished, and nobody is texted twice.
        With `all_or_nothing` none is sent if one is wrong.
        """
        given = _valid(BatchSerializer, request)
        defaults, raws, by = given["defaults"], given["messages"], senders.use(request)
        batches.check_defaults(defaults)

        def step(done: int) -> list[Any]:
            if given["all_or_nothing"]:
                return batches.send_all(defaults, raws, by)
            return batches.send(defaults, raws[done : done + batches.CHUNK], done, by)

        done = self.run_steps(len(raws), step)
        refused = sum("error" in result for result in done.results)
        answer = {"accepted": len(raws) - refused, "refused": refused, "results": done.results}
        return Response(answer, headers={"Idempotent-Replayed": "true"} if done.replayed else None)

    @extend_schema(request=ForecastRequestSerializer, responses={200: ForecastsSerializer})
    @action(detail=False, methods=["post"], url_path="dry-run", filterset_class=None, pagination_class=None)
    def dry_run(self, request: Request) -> Response:
        """What would become of up to 100 texts now: segments, cost, sender, and whether they would be sent. Nothing is
        sent or written."""
        given = _valid(ForecastRequestSerializer, request)
        batches.check_defaults(given["defaults"])
        found = batches.forecasts(given["defaults"], given["messages"], senders.use(request))
        return Response(ForecastsSerializer({"currency": settings.CURRENCY, "results": found}).data)

    @extend_schema(
        operation_id="messages_search", request=SearchSerializer, responses={200: MessageSerializer(many=True)}
    )
    @action(detail=False, methods=["post"], filterset_class=None)
    def search(self, request: Request) -> Response:
        """The list, with what is looked for in the body: a number in an address is kept by every log on the way.

        `next` is where to post the same body for the next page.
        """
        given = _valid(SearchSerializer, request)
        filters = CampaignMessageFilters(given, queryset=self.get_queryset())
        if not filters.is_valid():
            raise serializers.ValidationError(filters.errors)
        page: Any = self.paginate_queryset(filters.qs)
        return self.get_paginated_response(MessageSerializer(page, many=True).data)


def _valid(kind: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    data = kind(data=request.data)
    data.is_valid(raise_exception=True)
    given: dict[str, Any] = data.validated_data
    return given
