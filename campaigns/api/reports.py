"""What was sent over a stretch of days and what it cost, in sums."""

from datetime import UTC, date, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.report import LineSerializer
from campaigns.report import summary as summing
from contacts.api.refusals import BadParameter
from delivery import clock

_USUAL_DAYS = 30


class SummaryLineSerializer(LineSerializer):
    key = serializers.CharField(
        allow_blank=True, help_text="A day, an id, or two letters; empty: of no campaign, of none, of no country."
    )
    label = serializers.CharField(  # type: ignore[assignment]  # a field's name, and an argument of serializers
        allow_blank=True, help_text="What it is called."
    )


class SummarySerializer(serializers.Serializer):
    since = serializers.DateField(help_text="The first day, in UTC.")
    until = serializers.DateField(help_text="The last day, which is among them.")
    by = serializers.ChoiceField(choices=[by.value for by in summing.By])
    currency = serializers.CharField()
    total = LineSerializer()
    lines = SummaryLineSerializer(many=True)
    more = serializers.BooleanField(help_text=f"There are more than {summing.MOST_LINES} lines; `total` is of all.")
    counted_from = serializers.DateTimeField(
        allow_null=True, help_text="Of countries and senders: the oldest of the counts that the lines are from."
    )
    not_counted = serializers.IntegerField(help_text="Of countries and senders: campaigns that no line has yet.")


class ReportViewSet(viewsets.ViewSet):
    """Figures over all messages, from tallies: nothing is counted for them."""

    scope = "reports"
    query_params = ("since", "until", "by")

    @extend_schema(
        operation_id="reports_summary",
        responses=SummarySerializer,
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATE, description="The first day; left out: 30 days before."),
            OpenApiParameter("until", OpenApiTypes.DATE, description="The last day; left out: today, in UTC."),
            OpenApiParameter("by", enum=[by.value for by in summing.By], description="Left out: day."),
        ],
    )
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        """What the messages of some days came to, by day, campaign, provider, country or sender.

        A message of no campaign is of the day on which it was written, a campaign's of the day of its launch. By
        country and sender only campaigns are told apart, as they were last counted.
        """
        until = _day(request, "until") or clock.now().astimezone(UTC).date()
        since = _day(request, "since") or _before(until)
        by = request.query_params.get("by", summing.By.DAY)
        if by not in set(summing.By):
            raise BadParameter("by", f"Give one of {', '.join(summing.By)}.")
        try:
            found = summing.summary(since, until, summing.By(by))
        except ValueError as error:
            raise BadParameter("since", str(error)) from None
        return Response(SummarySerializer(found).data)


def _day(request: Request, name: str) -> date | None:
    text: Any = request.query_params.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadParameter(name, "Give a day such as 2026-11-02.") from None


def _before(until: date) -> date:
    try:
        return until - timedelta(days=_USUAL_DAYS - 1)
    except OverflowError:
        raise BadParameter("until", "Give a day such as 2026-11-02.") from None
