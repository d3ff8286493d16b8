"""What templates and campaigns look like on the wire."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from campaigns import writing
from campaigns.api import variants
from campaigns.api.audience import ListsField, RulesField
from campaigns.api.links import LinksField, saved
from campaigns.api.variants import TranslationsField, VariantsField, hold_out_field
from campaigns.models import MAX_SPREAD_MINUTES, Campaign, Template, TemplateVersion
from campaigns.templating import MAX_TEMPLATE
from contacts.api.fields import ClockField, RelatedId, Strict, StrictModel
from contacts.api.serializers import AttributesField
from contacts.importing.values import country_code
from contacts.models import Contact
from delivery.api import senders
from delivery.api.serializers import LaneField
from delivery.lanes import Lane
from delivery.models import Sender

MAX_COUNTRIES = 50


# --- templates ------------------------------------------------------------------------------------------------


class VersionSerializer(serializers.ModelSerializer):
    variables = serializers.ListField(child=serializers.CharField(), help_text="Names its texts use.")
    translations = TranslationsField(read_only=True)

    class Meta:
        model = TemplateVersion
        fields = ["number", "body", "translations", "smart_encoding", "variables", "created_at"]


class TemplateSerializer(serializers.ModelSerializer):
    """A template and its newest text."""

    latest = serializers.SerializerMethodField()

    class Meta:
        model = Template
        fields = ["id", "name", "description", "archived", "created_at", "latest"]

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_latest(self, template: Template) -> Any:
        newest: list[TemplateVersion] = getattr(template, "newest", [])
        return VersionSerializer(newest[0]).data if newest else None


class BodyField(serializers.CharField):
    """The text in Liquid, e.g. `Hi {{ first_name | default: "there" }}`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TEMPLATE, trim_whitespace=False, help_text=self.__doc__, **kwargs)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A reminder",
            value={"name": "Appointment", "body": "Hi {{ first_name | default: 'there' }}, see you at {{ clinic }}."},
            request_only=True,
        ),
        OpenApiExample(
            "In two languages",
            value={
                "name": "Opening hours",
                "body": "We are open on Saturday.",
                "translations": {"de": "Wir haben am Samstag geöffnet."},
            },
            request_only=True,
        ),
    ]
)
class TemplateWriteSerializer(StrictModel):
    """A template and its text. A changed text makes a new version; the old ones stay."""

    body = BodyField()
    translations = TranslationsField()
    smart_encoding = serializers.BooleanField(
        required=False, help_text=TemplateVersion._meta.get_field("smart_encoding").help_text
    )

    links = LinksField(help_text="Where `{{ link }}` leads in its texts, where a campaign does not say so itself.")

    class Meta:
        model = Template
        fields = ["name", "description", "archived", "body", "translations", "smart_encoding", "links"]


class PreviewSerializer(Strict):
    """For whom: a contact, or given variables; without either, made-up data. And what it costs in which countries. The
    text is the one in the contact's language, or in that which the variables name."""

    contact = RelatedId(queryset=Contact.objects.all(), required=False, help_text="Id of a contact.")
    variables = AttributesField(required=False, help_text="What the template prints.")
    countries = serializers.ListField(
        child=serializers.CharField(min_length=2, max_length=2),
        required=False,
        max_length=MAX_COUNTRIES,
        help_text="Two letters each: what it would cost there, by the routes and the price list of now.",
    )
    lane = LaneField(default=Lane.BULK, help_text="For which lane of the routes.")

    def validate_countries(self, given: list[str]) -> list[str]:
        known = [country_code(one) for one in given]
        if unknown := [one for one, code in zip(given, known, strict=True) if code is None]:
            raise serializers.ValidationError(f"“{unknown[0]}” is no country's two letters, such as FR.")
        return list(dict.fromkeys(code for code in known if code))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "contact" in attrs and "variables" in attrs:
            raise serializers.ValidationError("Give a contact or variables, not both.")
        return attrs


class DraftPreviewSerializer(PreviewSerializer):
    body = BodyField()
    smart_encoding = serializers.BooleanField(default=True)


class ForcingSerializer(serializers.Serializer):
    char = serializers.CharField()
    name = serializers.CharField()
    position = serializers.IntegerField()


class ChangeSerializer(serializers.Serializer):
    char = serializers.CharField()
    position = serializers.IntegerField()
    replacement = serializers.CharField(allow_blank=True)


class TemplateProblemSerializer(serializers.Serializer):
    kind = serializers.CharField()
    message = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()


class CountryCostSerializer(serializers.Serializer):
    """What one text costs in a country."""

    country = serializers.CharField()
    sender = serializers.CharField(allow_null=True, help_text="Whom it would be from; null: nothing leads there.")
    provider = serializers.CharField(allow_null=True)
    cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True, help_text="For all its segments.")
    currency = serializers.CharField()


class PreviewedSerializer(serializers.Serializer):
    """The text as it would be sent, and what it costs."""

    text = serializers.CharField()
    encoding = serializers.ChoiceField(source="segmentation.encoding", choices=["gsm7", "ucs2"])
    segments = serializers.IntegerField(source="segmentation.segments")
    units = serializers.IntegerField(source="segmentation.units", help_text="Septets (gsm7) or UTF-16 units (ucs2).")
    per_segment = serializers.IntegerField(source="segmentation.per_segment")
    remaining = serializers.IntegerField(source="segmentation.remaining", help_text="Units free in the last segment.")
    forcing = ForcingSerializer(
        source="segmentation.forcing", many=True, help_text="The first characters that made it ucs2."
    )
    replaced = ChangeSerializer(many=True, help_text="What smart encoding replaced.")
    problems = TemplateProblemSerializer(many=True)
    hints = serializers.ListField(child=serializers.CharField(), help_text="What a short link would save.")
    costs = CountryCostSerializer(many=True, help_text="One for each of `countries`, in their order.")


# --- campaigns ------------------------------------------------------------------------------------------------


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "To one list without another",
            value={"name": "Flu shots", "template": 3, "include": [5], "exclude": [8], "on_missing": "skip"},
            request_only=True,
        ),
        OpenApiExample(
            "To those of a list who speak French and were not texted this week",
            value={
                "name": "Flu shots",
                "template": 3,
                "include": [5],
                "rules": {
                    "match": "all",
                    "conditions": [
                        {"field": "language", "op": "is", "value": "fr"},
                        {"field": "texted", "op": "not_within_days", "value": 7},
                        {
                            "match": "any",
                            "conditions": [
                                {"field": "attributes.clinic", "op": "one_of", "value": ["Elm", "Oak"]},
                                {"field": "attributes.visits", "op": "more_than", "value": 2},
                            ],
                        },
                    ],
                },
            },
            request_only=True,
        ),
        OpenApiExample(
            "Two texts, a hold-out, at nine by everybody's clock",
            value={
                "name": "Flu shots",
                "template": 3,
                "include": [5],
                "variants": [{"template": 4, "percent": 45}],
                "hold_out_percent": 10,
                "local_time": "09:00",
                "local_passed": "next_day",
            },
            request_only=True,
        ),
    ]
)
class CampaignSerializer(StrictModel):
    template = RelatedId(
        queryset=Template.objects.all(),
        allow_null=True,
        help_text="null: none yet, in a draft that staff have begun.",
    )
    template_version: serializers.SlugRelatedField[TemplateVersion] = serializers.SlugRelatedField(
        slug_field="number",
        read_only=True,
        allow_null=True,
        help_text="Number of the version that was frozen at launch; null until then.",
    )
    sender = RelatedId(
        queryset=Sender.objects.all(),
        required=False,
        allow_null=True,
        help_text="null: by the routes, or the default sender.",
    )
    lane = LaneField(required=False, default=Lane.BULK)
    include = ListsField(required=False, help_text="Lists whose contacts get it.")
    variants = VariantsField(required=False, help_text="Other texts, each for a share drawn by lot.")
    hold_out_percent = hold_out_field()
    local_time = ClockField(
        required=False, allow_null=True, help_text="Everybody gets it at this time of their own clock; null: at once."
    )
    local_date = serializers.DateField(
        required=False, allow_null=True, help_text="On this day of theirs, 30 days ahead at most; null: of the launch."
    )
    exclude = ListsField(required=False, help_text="Lists whose contacts do not, even if included.")
    rules = RulesField()
    links = LinksField(help_text="Where its short links lead; read them at `/campaigns/{id}/clicks`.")

    def validate_template(self, given: Template | None) -> Template:
        if given is None:
            raise serializers.ValidationError("Name a template: only staff begin without one.", code="null")
        return given

    def create(self, validated_data: dict[str, Any]) -> Campaign:
        links, shares = validated_data.pop("links", None), validated_data.pop("variants", None)
        with transaction.atomic():
            made: Campaign = variants.saved(saved(super().create(validated_data), links), shares)
            return made

    def update(self, instance: Campaign, validated_data: dict[str, Any]) -> Campaign:
        links, shares = validated_data.pop("links", None), validated_data.pop("variants", None)
        with transaction.atomic():
            if "template" in validated_data:
                validated_data |= writing.NOTHING  # what staff were writing gives way to it
            changed: Campaign = variants.saved(saved(super().update(instance, validated_data), links), shares)
            return changed

    class Meta:
        model = Campaign
        fields = [
            "id",
            "name",
            "template",
            "template_version",
            "sender",
            "lane",
            "purpose",
            "include",
            "exclude",
            "rules",
            "on_missing",
            "variants",
            "hold_out_percent",
            "local_time",
            "local_date",
            "local_passed",
            "spread_minutes",
            "max_segments",
            "max_cost",
            "links",
            "status",
            "paused_reason",
            "scheduled_at",
            "audience_size",
            "created_at",
            "launched_at",
            "materialised_at",
            "finished_at",
        ]
        read_only_fields = [
            "status",
            "paused_reason",
            "scheduled_at",
            "audience_size",
            "launched_at",
            "materialised_at",
            "finished_at",
        ]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        present = self.instance.sender if self.instance else None
        sender = senders.of(self.context["request"], attrs.get("sender", present))
        variants.checked(self.instance, attrs)
        return attrs | {"sender": sender}


class ScheduleSerializer(Strict):
    at = serializers.DateTimeField(help_text="When to launch (ISO 8601 with offset).")


class LimitSerializer(Strict):
    spread_minutes = serializers.IntegerField(
        min_value=1,
        max_value=MAX_SPREAD_MINUTES,
        required=False,
        allow_null=True,
        help_text="Minutes, from now, over which the rest is spread; null: as fast as the limits allow.",
    )
    max_segments = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        allow_null=True,
        help_text="It is paused when so many segments have left; null: no such limit.",
    )
    max_cost = serializers.DecimalField(
        max_digits=14,
        decimal_places=5,
        min_value=Decimal("0.00001"),
        required=False,
        allow_null=True,
        help_text="It is paused before it costs more, by the price list; null: no such limit.",
    )


class ReasonSerializer(Strict):
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class EmptySerializer(Strict):
    """No body, or an empty object."""
