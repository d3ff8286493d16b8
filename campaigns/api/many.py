"""Many messages as they come over the wire, with what they have in common, and what is answered of each."""

import json
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from campaigns.api.sending import SENDERS, TEMPLATES, ItemSerializer, MetadataField, SendSerializer
from contacts.api.fields import PhoneField, Strict
from delivery import clock
from delivery.api.serializers import LANES
from delivery.models.requests import MAX_REFERENCE
from delivery.states import Status

MAX_BATCH, MAX_FORECAST = 10_000, 100
#: Of a batch as a whole, in bytes: with all that JSON adds, two thousand for each of 10,000.
MAX_BATCH_BYTES = 20 * 1024 * 1024

#: Of these a message has one: naming it leaves out the other that was given for all.
_INSTEAD = {
    "body": ("template", "variables"),
    "template": ("body",),
    "send_at": ("send_at_local",),
    "send_at_local": ("send_at",),
}


class DefaultsSerializer(ItemSerializer):
    """What all messages have that say nothing else."""

    to: Any = None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs


@extend_schema_field(SendSerializer(many=True))
class MessagesField(serializers.ListField):
    """Each as for a single one."""


class ForecastRequestSerializer(Strict):
    """Up to 100 messages, as a batch has them."""

    defaults = serializers.DictField(required=False, default=dict, help_text="For all that say nothing else.")
    messages = MessagesField(min_length=1, max_length=MAX_FORECAST, help_text=MessagesField.__doc__)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two from one template",
            value={
                "defaults": {"template": 3, "lane": "reminder", "valid_for": 3600},
                "messages": [
                    {"to": "+14155550123", "variables": {"first_name": "Ada"}},
                    {"to": "+442079460123", "variables": {"first_name": "Bob"}, "client_reference": "visit-4711"},
                ],
            },
            request_only=True,
        )
    ]
)
class BatchSerializer(ForecastRequestSerializer):
    """Up to 10,000 messages."""

    messages = MessagesField(min_length=1, max_length=MAX_BATCH, help_text=MessagesField.__doc__)
    all_or_nothing = serializers.BooleanField(
        required=False, default=False, help_text="If one is wrong none is sent; all are written in one transaction."
    )


class ItemErrorSerializer(serializers.Serializer):
    type = serializers.CharField(help_text="The kind of problem, as of a whole request.")
    detail = serializers.CharField()
    errors: Any = serializers.ListField(
        child=serializers.DictField(), help_text="As in a problem; pointers into the item."
    )


class ItemResultSerializer(serializers.Serializer):
    """Either `id`, `status` and `reason`, or `error`."""

    index = serializers.IntegerField(help_text="Its place among the messages, from 0.")
    id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    reason = serializers.CharField(required=False, help_text="Why it is suppressed.")
    error = ItemErrorSerializer(required=False)


class BatchResultSerializer(serializers.Serializer):
    accepted = serializers.IntegerField(help_text="How many have a message now, suppressed ones as well.")
    refused = serializers.IntegerField(help_text="How many have an error.")
    results = ItemResultSerializer(many=True)


class ForecastSerializer(serializers.Serializer):
    """What would become of it, or `error`."""

    index = serializers.IntegerField()
    to = serializers.CharField(required=False)
    country = serializers.CharField(required=False, help_text="Of the number; empty: of none.")
    body = serializers.CharField(required=False)
    encoding = serializers.CharField(required=False)
    segments = serializers.IntegerField(required=False)
    cost = serializers.DecimalField(
        max_digits=12, decimal_places=5, required=False, help_text="By the price list; 0 where it would not be sent."
    )
    sender = serializers.CharField(required=False, allow_null=True, help_text="Its address; null: nothing leads there.")
    provider = serializers.CharField(required=False, allow_null=True)
    why = serializers.CharField(required=False, help_text="Why by this sender, in words.")
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    reason = serializers.CharField(required=False, help_text="Why it would not be sent.")
    waits_for = serializers.CharField(required=False, help_text="The time rule that would hold it.")
    not_before = serializers.DateTimeField(required=False, allow_null=True)
    error = ItemErrorSerializer(required=False)


class ForecastsSerializer(serializers.Serializer):
    currency = serializers.CharField()
    results = ForecastSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("To one number", value={"to": "+14155550123", "status": "failed"}, request_only=True)]
)
class SearchSerializer(Strict):
    """As the parameters of the list."""

    to = PhoneField(required=False, source="recipient")
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    lane = serializers.ChoiceField(choices=list(LANES), required=False)
    campaign = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    client_reference = serializers.CharField(max_length=MAX_REFERENCE, required=False)
    metadata = MetadataField(required=False, help_text="One name and its value; of the newest 10,000 that have it.")
    created_from = serializers.DateTimeField(required=False, help_text="Made at or after this time.")
    created_before = serializers.DateTimeField(required=False, help_text="Made before this time.")

    def validate_metadata(self, given: dict[str, Any]) -> str:
        if len(given) != 1:
            raise serializers.ValidationError("Give one name and its value.")
        ((name, value),) = given.items()
        return f"{name}:{value if isinstance(value, str) else json.dumps(value)}"


def merged(defaults: dict[str, Any], raw: Any) -> Any:
    """A message with what is given for all; `variables` and `metadata` name by name."""
    if not defaults or not isinstance(raw, dict):
        return raw
    left_out = {other for name in raw for other in _INSTEAD.get(name, ())}
    found = {name: value for name, value in defaults.items() if name not in left_out} | raw
    for name in ("variables", "metadata"):
        if isinstance(raw.get(name), dict) and name not in left_out and isinstance(defaults.get(name), dict):
            found[name] = defaults[name] | raw[name]
    return found


def reader(raws: Sequence[Any]) -> ItemSerializer:
    """A serializer for each of these, one after the other: what they name is read now."""
    return ItemSerializer(context=known(raws))


def known(raws: Sequence[Any]) -> dict[str, Any]:
    """What messages refer to, by id, in two queries, and the time."""

    def named(field: str) -> set[int]:
        written = {str(raw.get(field)) for raw in raws if isinstance(raw, dict)}
        return {int(pk) for pk in written if pk.isascii() and pk.isdecimal() and len(pk) < 19}

    templates, senders = named("template"), named("sender")
    return {
        "template": TEMPLATES.in_bulk(templates) if templates else {},
        "sender": SENDERS.in_bulk(senders) if senders else {},
        "now": clock.now(),
    }
