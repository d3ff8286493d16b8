"""A campaign's report over HTTP: the figures of its page, and what its links led to."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.api.variants import VariantLineSerializer
from campaigns.report.report import Course, Line, Report
from campaigns.report.steps import Step
from delivery.states import Status


class FunnelStepSerializer(serializers.Serializer):
    step = serializers.ChoiceField(
        choices=[step.value for step in Step], help_text="`to_send` only while something is still to be sent."
    )
    people = serializers.IntegerField()
    percent = serializers.FloatField(help_text="Of the audience.")


class FailureSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(allow_blank=True)
    explanation = serializers.CharField(source="label", allow_blank=True)
    messages = serializers.IntegerField()


class LineSerializer(serializers.Serializer):
    messages = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    segments = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=20, decimal_places=5, help_text="Of what left, by the price list.")


class CountryLineSerializer(LineSerializer):
    country = serializers.CharField(source="key", allow_blank=True, help_text="Two letters; empty: no country's.")


class SenderLineSerializer(LineSerializer):
    sender = serializers.SerializerMethodField(help_text="Its id; null: none, for messages that never left.")

    def get_sender(self, line: Line) -> int | None:
        return int(line.key) if line.key else None


class PieceSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    clicked = serializers.IntegerField()
    replied = serializers.IntegerField()
    opted_out = serializers.IntegerField()


class CourseSerializer(serializers.Serializer):
    piece_seconds = serializers.IntegerField()
    pieces = PieceSerializer(many=True, help_text="Those in which something happened.")


_KEYS = {"sent": "sent", "delivered": "delivered", "click": "clicked", "reply": "replied", "stop": "opted_out"}


class ReportSerializer(serializers.Serializer):
    """The funnel, failures and cost are exact at this moment; the rest is as of `counted_at`."""

    status = serializers.CharField(source="campaign.status")
    funnel = FunnelStepSerializer(many=True)
    failures = FailureSerializer(many=True)
    clicks = serializers.IntegerField()
    machine_clicks = serializers.IntegerField(help_text="By previews and scanners; not among the clicks.")
    replies = serializers.IntegerField()
    segments = serializers.IntegerField(
        source="progress.segments", help_text="Of all messages that are to leave, whether or not they have."
    )
    segments_sent = serializers.IntegerField(source="progress.segments_sent", help_text="Of those that have left.")
    cost = serializers.DecimalField(source="progress.cost", max_digits=20, decimal_places=5)
    currency = serializers.CharField(source="progress.currency")
    counted_at = serializers.DateTimeField(allow_null=True, help_text="null: not yet.")
    countries = CountryLineSerializer(many=True)
    senders = SenderLineSerializer(many=True)
    variants = VariantLineSerializer(many=True, source="variants.lines", help_text="Empty: it has but one text.")
    held_out = serializers.IntegerField(source="variants.held_out", help_text="Who got no text, to compare with.")
    course = serializers.SerializerMethodField()

    @extend_schema_field(CourseSerializer(allow_null=True))
    def get_course(self, report: Report) -> Any:
        return _course(report.course) if report.course else None


def _course(course: Course) -> dict[str, Any]:
    nothing = dict.fromkeys(_KEYS.values(), 0)
    names = [_KEYS[series.key] for series in course.series]
    return {
        "piece_seconds": int(course.piece.total_seconds()),
        "pieces": [
            {"start": moment, **nothing, **dict(zip(names, numbers, strict=True))} for moment, numbers in course.rows
        ],
    }


class LinkClicksSerializer(serializers.Serializer):
    """`people` are those of whom this link was the first that they followed."""

    name = serializers.CharField()
    target = serializers.CharField()
    people = serializers.IntegerField()
    clicks = serializers.IntegerField()
    machines = serializers.IntegerField(help_text="Visits of previews and scanners, which are no clicks.")


class CampaignClicksSerializer(serializers.Serializer):
    clicks = serializers.IntegerField()
    machine_clicks = serializers.IntegerField()
    links = LinkClicksSerializer(many=True)
