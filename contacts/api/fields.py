"""Pieces that the serializers of every floor are made of."""

import re
from collections.abc import Collection, Mapping
from datetime import time
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts import countries, kinds
from contacts.phone import InvalidPhone, normalise
from contacts.unusable import Unusable


def did_you_mean(name: str, choices: Collection[str]) -> str:
    near = get_close_matches(name, choices, n=1)
    return f" Did you mean “{near[0]}”?" if near else ""


class Strict(serializers.Serializer):
    """Refuses fields it does not know or does not let anybody write: a typing error must not pass for success."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            refused = {
                name: [
                    "This field cannot be written."
                    if name in self.fields
                    else f"There is no such field.{did_you_mean(str(name), writable)}"
                ]
                for name in data
                if name not in writable
            }
            if refused:
                raise serializers.ValidationError(refused, code="unknown")
        return super().to_internal_value(data)


class StrictModel(Strict, serializers.ModelSerializer):
    """`Strict` over a model."""


class PhoneField(serializers.CharField):
    """A number in any usual writing, read as E.164; without a country code it is one of `default_country`."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("help_text", "International form is best, e.g. +14155550123.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        country = self.context.get("default_country") or settings.DEFAULT_COUNTRY
        try:
            return normalise(text, default_country=country).e164
        except InvalidPhone as problem:
            raise serializers.ValidationError(problem.message, code=problem.reason) from None


class RecipientField(PhoneField):
    """A number that is to be texted: not one of a kind that this hub does not text."""

    def to_internal_value(self, data: Any) -> str:
        e164 = super().to_internal_value(data)
        if problem := kinds.refusal(normalise(e164, default_country=None)):
            raise serializers.ValidationError(problem, code="number_kind")
        return e164


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"


@extend_schema_field({"type": "string", "pattern": CLOCK, "example": "09:00"})
class ClockField(serializers.TimeField):
    """A time of day where somebody is. With an offset it would be another thing, which is not silently left out."""

    def to_internal_value(self, data: Any) -> time:
        if isinstance(data, str) and not re.fullmatch(CLOCK.rstrip("$"), data):
            raise serializers.ValidationError("Write it as 09:00, without an offset.")
        found: time = super().to_internal_value(data)
        return found


class CountryField(serializers.CharField):
    """Two letters, in any case; empty: any, where that may be."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 2)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return countries.named(super().to_internal_value(data))
        except Unusable as problem:
            raise serializers.ValidationError(str(problem)) from None


class CapitalsField(serializers.CharField):
    """A code that is kept in capitals, however it is written."""

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data)).upper()


class BoundedIds(serializers.ListField):
    """A set of ids, at most `max_length` of them."""

    child = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    default_max = 10_000

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", self.default_max)
        kwargs.setdefault("allow_empty", False)
        super().__init__(**kwargs)


def validated(kind: type[serializers.Serializer], request: Any) -> dict[str, Any]:
    """What the request holds, as the serializer reads it. Raises ValidationError."""
    data = kind(data=request.data)
    data.is_valid(raise_exception=True)
    given: dict[str, Any] = data.validated_data
    return given


def key_label(request: Any) -> str:
    """Who acts, for the records: the name of the API key."""
    return f"API key {request.auth.name}"


class RelatedId(serializers.PrimaryKeyRelatedField):
    """The id of something that exists."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("pk_field", serializers.IntegerField(min_value=1, max_value=2**63 - 1))
        super().__init__(**kwargs)
