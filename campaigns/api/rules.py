"""Reminder rules over HTTP, and what they are about to do."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.appointments import ReminderSerializer
from campaigns.models import ReminderRule, Template
from campaigns.reminders import rules
from contacts.api.fields import ClockField, RelatedId, StrictModel
from contacts.api.filters import FlagFilter
from contacts.api.refusals import Invalid
from contacts.api.serializers import AttributesField
from delivery.api import senders
from delivery.api.serializers import LaneField
from delivery.models import Sender

_TEXTS = Template.objects.filter(archived=False)


class RuleSerializer(StrictModel):
    """`amount` `unit` before (-1) or after (1) an appointment; with days, `at_time` is a local time of that day."""

    attributes = AttributesField(required=False, help_text="Appointments that have all of these, with these values.")
    statuses = serializers.ListField(child=serializers.CharField(max_length=12), required=False, max_length=6)
    at_time = ClockField(
        required=False,
        allow_null=True,
        help_text="Local time of that day, with days only; null: the appointment's own.",
    )
    template = RelatedId(queryset=_TEXTS, help_text="Id of the template.")
    cancel_template = RelatedId(queryset=_TEXTS, required=False, allow_null=True)
    sender = RelatedId(queryset=Sender.objects.all(), required=False, allow_null=True)
    next_rule = RelatedId(queryset=ReminderRule.objects.all(), required=False, allow_null=True)
    lane = LaneField(required=False)

    class Meta:
        model = ReminderRule
        fields = [
            *("id", "name", "enabled", "kind", "attributes", "statuses", "amount", "unit", "direction", "at_time"),
            *("valid_minutes", "template", "sender", "lane", "reply_expected", "unanswered_minutes", "next_rule"),
            *("cancel_template", "created_at"),
        ]


class RulePreviewSerializer(serializers.Serializer):
    upcoming = ReminderSerializer(many=True)
    text = serializers.CharField(help_text="What the first of them says.")
    problem = serializers.CharField(help_text="Why it cannot be said.")


class RuleFilters(django_filters.FilterSet):
    enabled = FlagFilter(help_text="true: those that are switched on; false: the others.")

    class Meta:
        model = ReminderRule
        fields: list[str] = []


class ReminderRuleViewSet(viewsets.ReadOnlyModelViewSet[ReminderRule]):
    """When people are reminded of which appointments. A rule that is changed changes what is still to come."""

    scope = "reminders"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = ReminderRule.objects.all()
    serializer_class = RuleSerializer
    filterset_class = RuleFilters

    @extend_schema(request=RuleSerializer, responses={201: RuleSerializer})
    def create(self, request: Request) -> Response:
        """Make a rule. It is planned for all appointments that are still to come, within a moment."""
        return self._save(self.get_serializer(data=request.data), ReminderRule(), status=201)

    @extend_schema(request=RuleSerializer, responses=RuleSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. What was handed over already stays."""
        rule = self.get_object()
        return self._save(self.get_serializer(rule, data=request.data, partial=True), rule, status=200)

    @extend_schema(responses=RulePreviewSerializer)
    @action(detail=True, filterset_class=None)
    def preview(self, request: Request, pk: str) -> Response:
        """Its next reminders, and the text of the first."""
        return Response(RulePreviewSerializer(rules.preview(self.get_object())).data)

    def _save(self, data: Any, rule: ReminderRule, status: int) -> Response:
        data.is_valid(raise_exception=True)
        for name, value in data.validated_data.items():
            setattr(rule, name, value)
        rule.sender = senders.of(self.request, rule.sender)
        try:
            rules.save(rule)
        except rules.UnusableRule as problem:
            raise Invalid(problem.field, str(problem)) from None
        return Response(self.get_serializer(rule).data, status=status)
