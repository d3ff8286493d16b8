"""A message that is to be sent, as it comes over the wire."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from campaigns.models import Template
from campaigns.sending import Wanted
from contacts import kinds
from contacts.api.fields import RecipientField, RelatedId, Strict
from contacts.api.serializers import AttributesField
from delivery import clock
from delivery.api.senders import chosen
from delivery.api.serializers import MESSAGE, LaneField, MessageSerializer
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.models.requests import MAX_ADDRESS, MAX_REFERENCE
from delivery.submitting.drafts import MAX_BODY, Request
from delivery.uses import Use

MAX_METADATA_NAMES, MAX_METADATA_BYTES = 20, 4096
#: How far ahead a message may be scheduled: what is open keeps its month from being dropped.
MOST_AHEAD = timedelta(days=366)

TEMPLATES = Template.objects.filter(archived=False)
SENDERS = Sender.objects.select_related("provider")


class MetadataField(AttributesField):
    """The caller's own names and values, kept with the message: up to 20, and 4 KB as JSON. No place for secrets."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        given = super().to_internal_value(data)
        if len(given) > MAX_METADATA_NAMES:
            raise serializers.ValidationError(f"At most {MAX_METADATA_NAMES} names.")
        if odd := [name for name in given if ":" in name]:
            raise serializers.ValidationError({name: ["A name has no colon."] for name in odd})
        if nothing := [name for name, value in given.items() if value is None]:
            raise serializers.ValidationError({name: ["A value is needed."] for name in nothing})
        if len(json.dumps(given, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
            raise serializers.ValidationError(f"As JSON it has more than {MAX_METADATA_BYTES} bytes.")
        return given


class WebhookField(serializers.CharField):
    """An http:// or https:// address that is told of each change of this message's status."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_ADDRESS, help_text=self.__doc__, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        address: str = super().to_internal_value(data)
        try:
            parts = urlsplit(address)
            fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fine = False
        if not (fine and address.isascii() and address.isprintable() and " " not in address):
            raise serializers.ValidationError("This is not an address that begins with https:// or http://.")
        return address


@extend_schema_field({"type": "string", "example": "2030-12-01T09:00"})
class LocalTimeField(serializers.Field):
    """Not before this time of the recipient's own clock: 2030-12-01T09:00, without an offset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text=self.__doc__, **kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            at = datetime.fromisoformat(data if isinstance(data, str) else "")
        except ValueError:
            raise serializers.ValidationError("Write it as 2030-12-01T09:00.") from None
        if at.tzinfo is not None:
            raise serializers.ValidationError("A local time has no offset; with one it is send_at.")
        return at


class KnownId(serializers.IntegerField):
    """The id of something that exists, of those that were read beforehand for all messages (`known`)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        pk = super().run_validation(data)
        if pk is None:
            return None
        found = self.context[str(self.field_name)].get(pk)
        if found is None:
            raise serializers.ValidationError("There is nothing with this id.", code="does_not_exist")
        return found


_HELP = {
    "template": "Instead of a body: a template.",
    "sender": "Without it, by the routes, or the default sender.",
}


@extend_schema_serializer(
    examples=[
        OpenApiExample("A text", value={"to": "+14155550123", "body": "Your table is ready."}, request_only=True),
        OpenApiExample(
            "From a template, as an alert that is worthless after five minutes",
            value={
                "to": "+14155550123",
                "template": 3,
                "variables": {"code": "482913"},
                "lane": "alert",
                "valid_for": 300,
            },
            request_only=True,
        ),
    ]
)
class SendSerializer(Strict):
    to: Any = RecipientField()
    body = serializers.CharField(
        max_length=MAX_BODY, required=False, trim_whitespace=False, help_text="The text, as it is."
    )
    template: Any = RelatedId(queryset=TEMPLATES, required=False, help_text=_HELP["template"])
    variables = AttributesField(required=False, help_text="What the template prints.")
    lane = LaneField(default=Lane.TRANSACTIONAL)
    sender: Any = RelatedId(queryset=SENDERS, required=False, allow_null=True, help_text=_HELP["sender"])
    send_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Not before this time.")
    send_at_local = LocalTimeField(required=False, allow_null=True)
    valid_for = serializers.IntegerField(
        min_value=30,
        max_value=7 * 24 * 3600,
        required=False,
        allow_null=True,
        help_text="Seconds after which it is not sent any more, counted from when it may be sent.",
    )
    metadata = MetadataField(required=False, help_text=MetadataField.__doc__)
    client_reference = serializers.CharField(
        max_length=MAX_REFERENCE, required=False, help_text="Your own name for it, to find it by; need not be unique."
    )
    status_webhook = WebhookField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("body" in attrs) == ("template" in attrs):
            raise serializers.ValidationError("Give either a body or a template.")
        if "variables" in attrs and "template" not in attrs:
            raise serializers.ValidationError({"variables": "Variables go with a template."})
        if attrs.get("send_at") and attrs.get("send_at_local"):
            raise serializers.ValidationError({"send_at_local": "Give either send_at or send_at_local."})
        for name in ("send_at", "send_at_local"):
            at = attrs.get(name)
            if at and at.replace(tzinfo=None) > self._latest():
                raise serializers.ValidationError({name: f"At most {MOST_AHEAD.days} days ahead."})
            if at and at.year < 2000:
                raise serializers.ValidationError({name: "This time is long over."})
        return attrs

    def _latest(self) -> datetime:
        now: datetime = self.context.get("now") or clock.now()
        return (now + MOST_AHEAD).replace(tzinfo=None)


class ItemSerializer(SendSerializer):
    """The same, of many: what they name is read for all of them at once."""

    template: Any = KnownId(required=False, help_text=_HELP["template"])
    sender: Any = KnownId(required=False, allow_null=True, help_text=_HELP["sender"])


class WarningSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField()


_SENT: dict[str, Any] = {**MESSAGE, "status": "queued", "sent_at": None, "final_at": None, "warnings": []}


@extend_schema_serializer(examples=[OpenApiExample("Queued", value=_SENT, response_only=True)])
class SentSerializer(MessageSerializer):
    """A message that was just queued."""

    warnings = serializers.SerializerMethodField(help_text="What may keep it from arriving.")

    class Meta(MessageSerializer.Meta):
        fields = [*MessageSerializer.Meta.fields, "warnings"]
        read_only_fields = fields

    @extend_schema_field(WarningSerializer(many=True))
    def get_warnings(self, message: Message) -> list[dict[str, str]]:
        doubt = kinds.doubt(message.recipient)
        return [{"code": "number_kind", "detail": doubt}] if doubt else []


def wanted(given: dict[str, Any], by: Use) -> Wanted:
    """What a serializer has validated, sent by what its key may use. Raises Invalid."""
    request = Request(
        api_key_id=by.key_id,
        is_test=by.is_test,
        metadata=given.get("metadata", {}),
        status_webhook=given.get("status_webhook", ""),
        client_reference=given.get("client_reference", ""),
    )
    return Wanted(
        to=given["to"],
        body=given.get("body", ""),
        template=given.get("template"),
        variables=given.get("variables", {}),
        lane=given["lane"],
        sender=chosen(by, given.get("sender")),
        send_at=given.get("send_at"),
        send_at_local=given.get("send_at_local"),
        valid_for=given.get("valid_for"),
        request=request,
    )
