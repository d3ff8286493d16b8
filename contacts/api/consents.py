"""The consent ledger over HTTP: record, look up, show the proof."""

from typing import Any

import django_filters
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import PhoneField, Strict, key_label
from contacts.api.filters import PhoneFilter, TimeFilter
from contacts.api.refusals import Invalid, WrongState
from contacts.consents import ledger, opt_in, standing
from contacts.consents.ledger import LedgerError, Line
from contacts.consents.proof import as_pdf, proof
from contacts.models import ConsentEvent

ID = "[0-9]{1,18}"

Action, Purpose, Source = ConsentEvent.Action, ConsentEvent.Purpose, ConsentEvent.Source


class ConsentSerializer(serializers.ModelSerializer):
    answer_to = serializers.IntegerField(source="request_id", read_only=True, allow_null=True)

    class Meta:
        model = ConsentEvent
        fields = [
            "id",
            "phone",
            "action",
            "purpose",
            "channel",
            "scope",
            "source",
            "at",
            "recorded_at",
            "recorded_by",
            "wording",
            "evidence",
            "answer_to",
        ]
        read_only_fields = fields


class PersonSerializer(Strict):
    """Whose consent."""

    phone = PhoneField()


class AboutSerializer(PersonSerializer):
    """Whose consent, and to what."""

    purpose = serializers.ChoiceField(choices=Purpose.choices)
    channel = serializers.ChoiceField(choices=ConsentEvent.Channel.choices, default=ConsentEvent.Channel.SMS)
    scope = serializers.CharField(
        max_length=40,
        default="",
        allow_blank=True,
        help_text="The sender that it is about, by its address. Empty: every sender.",
    )


@extend_schema_serializer(component_name="ConsentStanding")
class StandingSerializer(AboutSerializer):
    standing = serializers.ChoiceField(choices=[(each.value, each.value) for each in standing.Standing])


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Somebody ticked a box",
            value={
                "phone": "+14155550123",
                "purpose": "marketing",
                "action": "granted",
                "source": "web_form",
                "wording": "Yes, text me offers, at most twice a month. Reply STOP to end.",
                "evidence": "Form 7, session 81c2, 203.0.113.9",
            },
            request_only=True,
        )
    ]
)
class RecordSerializer(AboutSerializer):
    action = serializers.ChoiceField(choices=[(each.value, each.label) for each in (Action.GRANTED, Action.WITHDRAWN)])
    source = serializers.ChoiceField(choices=Source.choices, default=Source.API)  # type: ignore[assignment]  # a name of the base
    at = serializers.DateTimeField(required=False, help_text="When they did it; left out: now.")
    wording = serializers.CharField(max_length=5000, default="", allow_blank=True, help_text="What they were shown.")
    evidence = serializers.CharField(max_length=500, default="", allow_blank=True, help_text="What proves it.")


class ConfirmSerializer(Strict):
    evidence = serializers.CharField(max_length=500, help_text="What proves it, such as the link they followed.")
    source = serializers.ChoiceField(choices=Source.choices, default=Source.API)  # type: ignore[assignment]  # a name of the base


class ConsentFilters(django_filters.FilterSet):
    phone = PhoneFilter(field_name="phone", help_text="The number.")
    purpose = django_filters.ChoiceFilter(choices=Purpose.choices)
    action = django_filters.ChoiceFilter(choices=Action.choices)
    since = TimeFilter(field_name="recorded_at", lookup_expr="gte", help_text="Recorded then or later.")

    class Meta:
        model = ConsentEvent
        fields: list[str] = []


class ConsentViewSet(viewsets.ReadOnlyModelViewSet[ConsentEvent]):
    """What people agreed to and took back, line by line. Lines are added, and never changed."""

    scope = "consents"
    query_params: tuple[str, ...] = ()
    lookup_value_regex = ID
    queryset = ConsentEvent.objects.all()
    serializer_class = ConsentSerializer
    filterset_class = ConsentFilters

    @extend_schema(request=RecordSerializer, responses={201: ConsentSerializer})
    def create(self, request: Request) -> Response:
        """Record that somebody agreed, or took it back. What is withdrawn is not sent from then on, nor what waits."""
        data = RecordSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given: dict[str, Any] = {"at": timezone.now(), **data.validated_data}
        try:
            [event] = ledger.record([Line(**given, recorded_by=key_label(request))])
        except LedgerError as error:
            raise Invalid("non_field_errors", str(error)) from None
        return Response(ConsentSerializer(event).data, status=201)

    @extend_schema(request=ConfirmSerializer, responses={201: ConsentSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def confirm(self, request: Request, pk: str) -> Response:
        """Confirm what somebody was asked, on other evidence than a text. Refused with 409 when its time is over."""
        asked = self.get_object()
        data = ConfirmSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            answer = opt_in.confirm(asked, **data.validated_data, recorded_by=key_label(request))
        except LedgerError as error:
            raise WrongState(str(error)) from None
        return Response(ConsentSerializer(answer).data, status=201)

    @extend_schema(
        parameters=[AboutSerializer],
        responses={200: StandingSerializer},
    )
    @action(
        detail=False,
        filterset_class=None,
        pagination_class=None,
        query_params=("phone", "purpose", "channel", "scope"),
    )
    def standing(self, request: Request) -> Response:
        """What somebody has agreed to: `granted`, `withdrawn`, `pending` or `none`. Suppressions are apart."""
        asked = _asked(AboutSerializer, request)
        found = standing.state_of(asked["phone"], asked["purpose"], channel=asked["channel"], scope=asked["scope"])
        return Response(StandingSerializer(asked | {"standing": found.value}).data)

    @extend_schema(parameters=[PersonSerializer], responses={200: OpenApiTypes.OBJECT})
    @action(detail=False, filterset_class=None, pagination_class=None, query_params=("phone",))
    def proof(self, request: Request) -> Response:
        """Everything that is recorded of one person's consents, and what follows from it."""
        return Response(proof(_asked(PersonSerializer, request)["phone"]))

    @extend_schema(parameters=[PersonSerializer], responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=False, url_path="proof.pdf", filterset_class=None, pagination_class=None, query_params=("phone",))
    def proof_pdf(self, request: Request) -> HttpResponse:
        """Everything that is recorded of one person's consents, to print."""
        found = proof(_asked(PersonSerializer, request)["phone"])
        return HttpResponse(as_pdf(found), content_type="application/pdf")


def _asked(kind: type[Strict], request: Request) -> dict[str, Any]:
    """The parameters of an address. As in filters, a plus sign may have become a space on its way."""
    given = request.query_params.dict()
    if given.get("phone", "").startswith(" "):
        given["phone"] = f"+{given['phone'].strip()}"
    asked = kind(data=given)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)
