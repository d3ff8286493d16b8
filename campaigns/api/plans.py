"""Plans that repeat, over HTTP: made, read with what comes next, changed, ended."""

from typing import Any

import django_filters
from django.db import IntegrityError, transaction
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.serializers import EmptySerializer
from campaigns.appointments import plans
from campaigns.models import Plan
from contacts.api.fields import ClockField, RelatedId, StrictModel
from contacts.api.filters import IdFilter
from contacts.api.refusals import AlreadyExists, Invalid
from contacts.api.serializers import AttributesField
from contacts.models import Contact


class PlanSerializer(StrictModel):
    """`rule` is an RFC 5545 rule; `at` and the days are local to `time_zone`, or to the contact's own zone."""

    contact = RelatedId(queryset=Contact.objects.all(), help_text="Id of the contact.")
    attributes = AttributesField(required=False, help_text="What rules and templates use.")
    at = ClockField(help_text="Local time, unless the rule names hours.")
    exceptions = serializers.ListField(
        child=serializers.DateField(), required=False, max_length=plans.MAX_EXCEPTIONS, help_text="Days without one."
    )
    status = serializers.ChoiceField(choices=Plan.Status.choices, read_only=True)

    class Meta:
        model = Plan
        # Said by the view, with the id of the one that there is.
        validators: list[Any] = []
        fields = [
            *("id", "source", "external_id", "contact", "kind", "attributes", "starts_on", "at", "time_zone", "rule"),
            *("ends_on", "exceptions", "status", "created_at"),
        ]


class PlanChangeSerializer(PlanSerializer):
    """What a plan is known by stays."""

    class Meta(PlanSerializer.Meta):
        read_only_fields = ["source", "external_id"]


class OnePlanSerializer(PlanSerializer):
    next = serializers.SerializerMethodField(help_text="The next occurrences, as far as they are written.")

    class Meta(PlanSerializer.Meta):
        fields = [*PlanSerializer.Meta.fields, "next"]

    @extend_schema_field(serializers.ListField(child=serializers.DateTimeField()))
    def get_next(self, plan: Plan) -> Any:
        field = serializers.DateTimeField()
        return [field.to_representation(at) for at in plans.next_times(plan)]


class PlanFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Plan.Status.choices)
    contact = IdFilter(field_name="contact_id", help_text="Id of the contact.")
    external_id = django_filters.CharFilter(help_text="The source's own id, exactly.")

    class Meta:
        model = Plan
        fields: list[str] = []


class PlanViewSet(viewsets.ReadOnlyModelViewSet[Plan]):
    """What repeats by a rule: a medication, vaccinations. Its occurrences are appointments, written weeks ahead."""

    scope = "appointments"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Plan.objects.select_related("contact")
    serializer_class = PlanSerializer
    filterset_class = PlanFilters

    @extend_schema(responses=OnePlanSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One plan, with its next occurrences."""
        return _answer(self.get_object(), status=200)

    @extend_schema(request=PlanSerializer, responses={201: OnePlanSerializer})
    def create(self, request: Request) -> Response:
        """Make a plan. Its occurrences of the next weeks are written before the answer."""
        data = PlanSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        try:
            with transaction.atomic():
                return self._save(Plan(), given, status=201)
        except IntegrityError:
            known = Plan.objects.filter(source=given.get("source", ""), external_id=given["external_id"]).first()
            if known is None:
                raise
            raise AlreadyExists("The source has a plan of this id already.", existing_id=known.pk) from None

    @extend_schema(request=PlanChangeSerializer, responses=OnePlanSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. Occurrences to come that it no longer has are cancelled."""
        plan = self.get_object()
        data = PlanChangeSerializer(plan, data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        return self._save(plan, data.validated_data, status=200)

    @extend_schema(request=EmptySerializer, responses=OnePlanSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def end(self, request: Request, pk: str) -> Response:
        """End it: its occurrences to come are cancelled. Ending it again changes nothing."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        return self._save(self.get_object(), {"status": Plan.Status.ENDED}, status=200)

    def _save(self, plan: Plan, given: dict[str, Any], status: int) -> Response:
        for name, value in given.items():
            setattr(plan, name, [day.isoformat() for day in value] if name == "exceptions" else value)
        try:
            plans.save(plan)
        except plans.UnusablePlan as problem:
            raise Invalid(problem.field, str(problem)) from None
        return _answer(plan, status=status)


def _answer(plan: Plan, *, status: int) -> Response:
    return Response(OnePlanSerializer(plan).data, status=status)
