"""A campaign's progress on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Campaign
from campaigns.progress import Progress
from delivery.states import MEANING, Status


class WhySerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField()
    words = serializers.CharField(source="label", help_text="The reason in words.")
    advice = serializers.CharField(allow_blank=True)
    messages = serializers.IntegerField()


class WaitSerializer(serializers.Serializer):
    reason = serializers.CharField(help_text="quiet_hours, frequency_cap or local_time.")
    words = serializers.CharField(source="label", help_text="The reason in words.")
    messages = serializers.IntegerField()
    first = serializers.DateTimeField(allow_null=True, help_text="When the first of them are looked at again.")
    last = serializers.DateTimeField(allow_null=True, help_text="When the last of them are.")


class CountSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=Status.choices)
    meaning = serializers.CharField()
    messages = serializers.IntegerField()


class ProgressSerializer(serializers.Serializer):
    """A campaign at one moment. The counts add up to `materialised`."""

    status = serializers.ChoiceField(choices=Campaign.Status.choices)
    audience = serializers.IntegerField(allow_null=True, help_text="null until it is frozen.")
    materialised = serializers.IntegerField(help_text="Contacts that have their message.")
    counts = serializers.SerializerMethodField()
    reasons = WhySerializer(many=True)
    waits = WaitSerializer(many=True, help_text="What is held by allowed hours or a frequency cap.")
    segments = serializers.IntegerField(help_text="Of all messages that are to leave, whether or not they have.")
    segments_sent = serializers.IntegerField(help_text="Of those that have left.")
    cost = serializers.DecimalField(max_digits=20, decimal_places=5, help_text="Of what has left, by the price list.")
    currency = serializers.CharField()
    handed_over = serializers.IntegerField(help_text="Messages that have left for a provider.")
    to_send = serializers.IntegerField(help_text="People whose message has not left, and may still.")
    final = serializers.IntegerField()
    open = serializers.IntegerField()
    percent = serializers.FloatField(help_text="Of the audience, whose message is final.")
    per_second = serializers.FloatField(allow_null=True, help_text="How fast messages leave.")
    eta = serializers.DateTimeField(
        allow_null=True,
        help_text="When the last one will have left, at that rate or its pace, and not before what is held may leave.",
    )
    waiting_for = serializers.CharField(
        allow_blank=True, help_text="Why messages wait, where the campaign's own pause or pace is the reason."
    )
    started = serializers.DateTimeField(allow_null=True)
    finished = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(CountSerializer(many=True))
    def get_counts(self, progress: Progress) -> list[dict[str, Any]]:
        return [
            {"status": status.value, "meaning": MEANING[status], "messages": progress.counts[status]}
            for status in Status
            if progress.counts.get(status)
        ]
