"""When people may be texted and how often, over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from contacts.api.fields import CapitalsField, ClockField, CountryField, StrictModel
from delivery.api.serializers import LaneField
from delivery.api.setting_up import RemovableViewSet
from delivery.models import AllowedHours, FrequencyCap
from delivery.timerules import lines
from delivery.timerules.bound import MAY_BE_BOUND

_CLOCKS = [f"{kind}_{end}" for kind in ("weekday", "saturday", "sunday") for end in ("from", "until")]

_WEEKDAYS = {"country": "IT", "weekday_from": "09:00", "weekday_until": "20:00", "holidays": "sunday"}


class _AreaSerializer(StrictModel):
    country = CountryField(required=False, allow_blank=True, help_text="Two letters; empty: any that has no line.")
    state = CapitalsField(
        required=False, allow_blank=True, max_length=2, help_text="Of the US or Canada, two letters; empty: all of it."
    )


@extend_schema_serializer(examples=[OpenApiExample("Weekdays in Italy", value=_WEEKDAYS, request_only=True)])
class AllowedHoursSerializer(_AreaSerializer):
    """Hours of the recipient's wall clock. Both of a day null: no texts on such a day."""

    weekday_from = ClockField(required=False, allow_null=True)
    weekday_until = ClockField(required=False, allow_null=True, help_text="00:00 is the end of the day.")
    saturday_from = ClockField(required=False, allow_null=True)
    saturday_until = ClockField(required=False, allow_null=True)
    sunday_from = ClockField(required=False, allow_null=True)
    sunday_until = ClockField(required=False, allow_null=True)

    class Meta:
        model = AllowedHours
        fields = ["id", "country", "state", "enabled", *_CLOCKS, "holidays", "source", "updated_at"]
        read_only_fields = ["updated_at"]
        validators: list[Any] = []


class FrequencyCapSerializer(_AreaSerializer):
    """At most so many texts to one number, within so many hours or within its calendar day."""

    lane = LaneField(
        required=False,
        allow_null=True,
        help_text=f"One of {', '.join(lane.name.lower() for lane in MAY_BE_BOUND)}; null: all of these together.",
    )
    hours = serializers.IntegerField(
        required=False, allow_null=True, help_text="null: within the recipient's calendar day."
    )

    class Meta:
        model = FrequencyCap
        fields = ["id", "country", "state", "lane", "most", "hours", "over", "enabled", "source", "updated_at"]
        read_only_fields = ["updated_at"]


class AllowedHoursViewSet(RemovableViewSet):
    """Hours in which a country or a state lets texts arrive. The line of a state replaces that of its country."""

    scope = "time-rules"
    queryset = AllowedHours.objects.all()
    serializer_class = AllowedHoursSerializer

    def keep(self, thing: AllowedHours, given: dict[str, Any], changed: set[str]) -> None:
        lines.check_hours(thing)
        thing.save()


class FrequencyCapViewSet(RemovableViewSet):
    """How many texts a number may be sent. All that are about a message hold."""

    scope = "time-rules"
    queryset = FrequencyCap.objects.all()
    serializer_class = FrequencyCapSerializer

    def keep(self, thing: FrequencyCap, given: dict[str, Any], changed: set[str]) -> None:
        lines.check_cap(thing)
        thing.save()
