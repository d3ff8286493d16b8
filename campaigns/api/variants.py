"""Variants of a campaign, and texts in several languages, on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns import languages, split
from campaigns.models import MAX_HOLD_OUT, MAX_VARIANTS, Campaign, Template, Variant
from campaigns.report.significance import Comparison, Verdict
from campaigns.report.variants import Measure
from campaigns.split import Share
from campaigns.templating import MAX_TEMPLATE
from contacts.api.fields import RelatedId, Strict


class VariantSerializer(Strict, serializers.ModelSerializer):
    """Another text, for a share of the audience that is drawn by lot. The campaign's own `template` is variant A, and
    has what the others and the hold-out leave."""

    template = RelatedId(
        queryset=Template.objects.all(), allow_null=True, help_text="null: none yet, which only a draft may have."
    )
    percent = serializers.IntegerField(min_value=1, max_value=split.LOTS - 1)
    letter = serializers.CharField(read_only=True, help_text="B, C and so on, in the order that they were given in.")
    template_version: Any = serializers.SlugRelatedField(
        slug_field="number", read_only=True, allow_null=True, help_text="Frozen at launch; null until then."
    )

    class Meta:
        model = Variant
        fields = ["template", "percent", "letter", "template_version"]


@extend_schema_field(
    {
        "type": "array",
        "maxItems": MAX_VARIANTS - 1,
        "items": {
            "type": "object",
            "required": ["template", "percent"],
            "properties": {
                "template": {"type": "integer", "nullable": True},
                "percent": {"type": "integer", "minimum": 1, "maximum": split.LOTS - 1},
                "letter": {"type": "string", "readOnly": True},
                "template_version": {"type": "integer", "nullable": True, "readOnly": True},
            },
        },
    }
)
class VariantsField(serializers.Field):
    """All of them; those that are not given are taken away."""

    def to_internal_value(self, data: Any) -> list[Share]:
        given: Any = VariantSerializer(data=data, many=True)
        given.is_valid(raise_exception=True)
        return [Share(one["template"], one["percent"]) for one in given.validated_data]

    def to_representation(self, value: Any) -> Any:
        return VariantSerializer(value.all(), many=True).data


def hold_out_field() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0,
        max_value=MAX_HOLD_OUT,
        required=False,
        help_text="Percent of the audience, drawn by lot, that gets no text, to compare with.",
    )


def checked(campaign: Campaign | None, given: dict[str, Any]) -> None:
    """What is given, with what the campaign has, makes a whole. Raises ValidationError."""
    shares = given.get("variants")
    if shares is None:
        present = campaign.variants.select_related("template") if campaign else ()
        shares = [Share(variant.template, variant.percent) for variant in present]
    hold_out = given.get("hold_out_percent", campaign.hold_out_percent if campaign else 0)
    try:
        split.check(shares, hold_out)
    except ValueError as error:
        raise serializers.ValidationError({"variants": [str(error)]}) from None


def saved(campaign: Campaign, shares: list[Share] | None) -> Campaign:
    """The campaign, after its variants were set where some were given."""
    if shares is not None:
        split.replace(campaign, shares)
    return campaign


# --- languages ------------------------------------------------------------------------------------------------------


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": MAX_TEMPLATE},
        "maxProperties": languages.MAX_TRANSLATIONS,
        "propertyNames": {"pattern": "^[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|[0-9]{3}))?$"},
        "example": {"de": "Hallo {{ first_name }}, wir sehen uns."},
    }
)
class TranslationsField(serializers.DictField):
    """Texts by language tag. Whoever's language is not among them gets `body`. What is not given is taken away."""

    child = serializers.CharField(max_length=MAX_TEMPLATE, trim_whitespace=False, allow_blank=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, help_text=self.__doc__, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        given: dict[str, str] = super().to_internal_value(data)
        try:
            return languages.normalised(given.items())
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


# --- the report -----------------------------------------------------------------------------------------------------


class ComparisonSerializer(serializers.Serializer):
    """How its share differs from variant A's: from `low` to `high` percentage points, at a level of 5 percent for all
    comparisons of the report together. `verdict` says what that shows."""

    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    low = serializers.SerializerMethodField()
    high = serializers.SerializerMethodField()

    def get_low(self, comparison: Comparison) -> float:
        return round(100 * comparison.low, 2)

    def get_high(self, comparison: Comparison) -> float:
        return round(100 * comparison.high, 2)


class MeasureSerializer(serializers.Serializer):
    step = serializers.CharField(source="step.value", help_text="delivered, clicked, replied or stopped.")
    people = serializers.IntegerField()
    percent = serializers.FloatField(help_text="Of what was sent.")
    against_a = serializers.SerializerMethodField(help_text="null: of A itself, and before the campaign is over.")

    @extend_schema_field(ComparisonSerializer(allow_null=True))
    def get_against_a(self, measure: Measure) -> Any:
        return ComparisonSerializer(measure.against).data if measure.against else None


class VariantLineSerializer(serializers.Serializer):
    letter = serializers.CharField()
    template = serializers.CharField(help_text="Its name.")
    version = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(source="share", help_text="Its share of the audience.")
    messages = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    segments = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=20, decimal_places=5, help_text="Of what left, by the price list.")
    measures = MeasureSerializer(many=True)
