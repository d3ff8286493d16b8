"""What is answered to people, over HTTP: by rule, outside business hours, and by staff with a text that is ready."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from campaigns.conversations import rules
from campaigns.models import AnswerRule, AutoReply, CannedReply, ReminderRule
from contacts.api.fields import CapitalsField, ClockField, CountryField, RelatedId, StrictModel
from delivery.api.keywords import LIVE_SENDERS
from delivery.api.setting_up import RemovableViewSet
from delivery.submit import MAX_BODY

_CLOCKS = [f"{kind}_{end}" for kind in ("weekday", "saturday", "sunday") for end in ("from", "until")]


class TextsField(serializers.DictField):
    """Texts by language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=MAX_BODY), required=False, **kwargs)


_ANSWER = {"name": "Ring back", "action": "call", "words": {"any": ["2"], "en": ["call me"], "es": ["llámenme"]}}
_AWAY = {
    "time_zone": "Europe/Paris",
    "weekday_from": "08:00",
    "weekday_until": "18:00",
    "closed_texts": {"en": "We are closed and will answer tomorrow."},
}


@extend_schema_serializer(examples=[OpenApiExample("Ring back", value=_ANSWER, request_only=True)])
class AnswerRuleSerializer(StrictModel):
    """Words that answer a question, and what they do."""

    rule = RelatedId(
        queryset=ReminderRule.objects.all(),
        required=False,
        allow_null=True,
        help_text="Answers to reminders of this rule; null: to any.",
    )
    words = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100), max_length=rules.MOST_WORDS),
        help_text="By language; under `any` those of every language.",
    )
    replies = TextsField(help_text="What is said, by language; empty: the usual.")

    class Meta:
        model = AnswerRule
        fields = ["id", "name", "enabled", "rule", "kind", "action", "words", "replies"]


@extend_schema_serializer(examples=[OpenApiExample("Closed at night", value=_AWAY, request_only=True)])
class AutoReplySerializer(StrictModel):
    """What is said to a text that no rule answers. Both hours of a day null: closed all day."""

    sender = RelatedId(
        queryset=LIVE_SENDERS, required=False, allow_null=True, help_text="Texts to this one; null: to any other."
    )
    country = CountryField(required=False, allow_blank=True, help_text="Whose public holidays, two letters.")
    state = CapitalsField(required=False, allow_blank=True, max_length=6, help_text="Its state, where holidays differ.")
    weekday_from = ClockField(required=False, allow_null=True)
    weekday_until = ClockField(required=False, allow_null=True, help_text="00:00 is the end of the day.")
    saturday_from = ClockField(required=False, allow_null=True)
    saturday_until = ClockField(required=False, allow_null=True)
    sunday_from = ClockField(required=False, allow_null=True)
    sunday_until = ClockField(required=False, allow_null=True)
    open_texts = TextsField(help_text="Said within business hours, by language; empty: nothing.")
    closed_texts = TextsField(help_text="Said outside of them, by language; empty: nothing.")

    class Meta:
        model = AutoReply
        fields = [
            *("id", "sender", "enabled", "time_zone", "country", "state", *_CLOCKS, "holidays"),
            *("open_texts", "closed_texts", "hours_between"),
        ]
        validators: list[Any] = []
        extra_kwargs = {"enabled": {"required": False, "validators": []}}


class CannedReplySerializer(StrictModel):
    body = serializers.CharField(max_length=MAX_BODY)

    class Meta:
        model = CannedReply
        fields = ["id", "name", "language", "body"]


class AnswerRuleViewSet(RemovableViewSet):
    """Words that answer questions. They go before the standard ones."""

    scope = "answers"
    queryset = AnswerRule.objects.all()
    serializer_class = AnswerRuleSerializer

    def keep(self, thing: AnswerRule, given: dict[str, Any], changed: set[str]) -> None:
        rules.check_answer(thing)
        thing.save()


class AutoReplyViewSet(RemovableViewSet):
    """What is said within and outside business hours, where no rule answers."""

    scope = "answers"
    queryset = AutoReply.objects.all()
    serializer_class = AutoReplySerializer

    def keep(self, thing: AutoReply, given: dict[str, Any], changed: set[str]) -> None:
        rules.check_auto_reply(thing)
        thing.save()


class CannedReplyViewSet(RemovableViewSet):
    """Texts that staff often answer with."""

    scope = "answers"
    queryset = CannedReply.objects.all()
    serializer_class = CannedReplySerializer
