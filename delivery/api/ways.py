"""Which way messages go, over HTTP: senders, routes, and how fast a country may be sent to."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import phone
from contacts.api.fields import CountryField, RelatedId, StrictModel, key_label, validated
from contacts.unusable import Unusable
from delivery.api import senders
from delivery.api.serializers import CheckedSerializer, CheckSerializer, LaneField, RouteSerializer
from delivery.api.setting_up import RemovableViewSet, SetUpViewSet
from delivery.models import TEST_PROVIDER, CountryLimit, Provider, Route, Sender
from delivery.routing import routes
from delivery.routing import senders as rules

_LIVE_PROVIDERS = Provider.objects.exclude(pk=TEST_PROVIDER)
_LIVE_SENDERS = Sender.objects.exclude(provider_id=TEST_PROVIDER)


class SenderSerializer(StrictModel):
    """A number, a short code or a name, of one provider."""

    provider = serializers.SlugRelatedField(
        slug_field="name", queryset=_LIVE_PROVIDERS, help_text="The name of the account that it belongs to."
    )

    class Meta:
        model = Sender
        fields = [
            *("id", "address", "provider", "rate", "enabled", "disabled_reason", "is_default", "opt_out_scope"),
            "display_name",
        ]
        read_only_fields = ["disabled_reason"]
        validators: list[Any] = []
        extra_kwargs = {"rate": {"min_value": 1}, "is_default": {"validators": []}}

    def validate_address(self, given: str) -> str:
        try:
            return rules.address(given)
        except Unusable as problem:
            raise serializers.ValidationError(str(problem)) from None


class SenderViewSet(SetUpViewSet):
    """What recipients may see as the sender. One that is no longer wanted is switched off: messages refer to it."""

    scope = "senders"
    queryset = Sender.objects.select_related("provider")
    serializer_class = SenderSerializer
    apart = ("is_default",)

    def get_queryset(self) -> QuerySet[Sender]:
        return senders.visible(self.request, super().get_queryset())

    def keep(self, thing: Sender, given: dict[str, Any], changed: set[str]) -> None:
        if "is_default" in changed:
            senders.check_set_up(self.request, None)
        rules.save(thing, changed, reason=_("Switched off by %(who)s.") % {"who": key_label(self.request)})

    def sender_of(self, thing: Sender) -> int | None:
        return thing.pk


class RouteChangeSerializer(StrictModel):
    country = CountryField(required=False, allow_blank=True, help_text="Two letters; empty or left out: any.")
    lane = LaneField(required=False, allow_null=True, help_text="null or left out: any.")
    tier = serializers.IntegerField(
        source="order", required=False, min_value=0, max_value=32_767, help_text="Used when lower tiers cannot take it."
    )
    sender = RelatedId(queryset=_LIVE_SENDERS, help_text="Its id.")

    class Meta:
        model = Route
        fields = ["channel", "country", "lane", "tier", "sender", "weight", "enabled"]
        validators: list[Any] = []
        extra_kwargs = {"weight": {"min_value": 1, "max_value": 32_767}}


@extend_schema_view(
    create=extend_schema(request=RouteChangeSerializer, responses={201: RouteSerializer}),
    partial_update=extend_schema(request=RouteChangeSerializer, responses=RouteSerializer),
)
class RouteViewSet(RemovableViewSet):
    """Which senders may carry what to where, and what share of it."""

    scope = "routes"
    reads = ("check",)
    queryset = Route.objects.select_related("sender__provider")
    serializer_class = RouteSerializer
    written_by = RouteChangeSerializer

    def sender_of(self, thing: Route) -> None:
        """A route is the whole hub's: what names no sender would leave by the one that it leads to."""

    @extend_schema(request=CheckSerializer, responses={200: CheckedSerializer})
    @action(detail=False, methods=["post"], pagination_class=None)
    def check(self, request: Request) -> Response:
        """Where would a message to this number go now, and why? Nothing is sent."""
        asked = validated(CheckSerializer, request)
        to, lane = asked["to"], asked["lane"]
        country = phone.country(to)
        route, why = routes.ways_to(country, lane).explain(to, country, lane)
        answer = {
            "country": country,
            "sender": {"id": route.sender_id, "address": route.sender} if route else None,
            "provider": route.provider if route else None,
            "why": why,
        }
        return Response(answer)


class CountryLimitSerializer(StrictModel):
    provider = RelatedId(queryset=_LIVE_PROVIDERS, help_text="Its id.")
    country = CountryField(help_text="Of the recipients' numbers, two letters.")

    class Meta:
        model = CountryLimit
        fields = ["id", "provider", "country", "rate"]
        validators: list[Any] = []
        extra_kwargs = {"rate": {"max_value": 2**31 - 1}}


class CountryLimitViewSet(RemovableViewSet):
    """How fast an account may send to one country. Without one: as fast as the account."""

    scope = "providers"
    queryset = CountryLimit.objects.exclude(provider_id=TEST_PROVIDER)
    serializer_class = CountryLimitSerializer
