"""Accounts with those who carry messages, over HTTP: how they do, set up, switched on and off, and their prices."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import key_label, validated
from contacts.api.refusals import Invalid, TooOften, WrongState
from delivery import accounts, credentials, frequency, prices
from delivery.api import senders
from delivery.api.provider_shapes import (
    DisableSerializer,
    PinSerializer,
    PricesSerializer,
    ProviderChangeSerializer,
    ProviderCheckedSerializer,
    ProviderDetailSerializer,
    ProviderKindSerializer,
    ProviderSerializer,
)
from delivery.api.setting_up import SetUpViewSet
from delivery.models import TEST_PROVIDER, Provider
from delivery.providers import registry
from delivery.providers.base import BadConfiguration
from delivery.routing import health as measured
from delivery.routing.rules import Pin


class ProviderViewSet(SetUpViewSet):
    """Accounts with those who carry messages, and how they do. Messages refer to them: they are switched off instead of
    removed."""

    scope = "providers"
    #: Health and connections change by themselves, and no change is about them.
    passing = ("health", "connections", "changes")
    queryset = Provider.objects.exclude(pk=TEST_PROVIDER).select_related("health")
    serializer_class = ProviderSerializer
    written_by = ProviderChangeSerializer

    def shown(self, thing: Provider) -> Any:
        return ProviderDetailSerializer(thing, context=self.get_serializer_context()).data

    def keep(self, thing: Provider, given: dict[str, Any], changed: set[str]) -> None:
        try:
            accounts.save(thing, given.get("secrets", {}))
        except BadConfiguration as error:
            raise Invalid("non_field_errors", str(error)) from None

    @extend_schema(responses=ProviderDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One provider, with what it is set up with, and the last changes of its health and why."""
        return Response(self.shown(self.get_object()))

    @extend_schema(request=ProviderChangeSerializer, responses={201: ProviderDetailSerializer})
    def create(self, request: Request) -> Response:
        """Set an account up. It is on at once; its senders are made after it."""
        return super().create(request)

    @extend_schema(request=ProviderChangeSerializer, responses=ProviderDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. With another address all secrets that are kept have to be given again."""
        return super().partial_update(request, pk)

    @extend_schema(operation_id="providers_kinds", responses=ProviderKindSerializer(many=True))
    @action(detail=False, pagination_class=None)
    def kinds(self, request: Request) -> Response:
        """What accounts there may be, and the settings and secrets that each is set up with."""
        found = sorted((kind for kind in registry.kinds().values() if not kind.is_test), key=lambda kind: kind.name)
        return Response(ProviderKindSerializer(found, many=True).data)

    @extend_schema(request=None, responses={200: ProviderCheckedSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Whether the account is complete, and what the provider says to its credentials. Nothing is sent.

        It takes up to ten seconds, and a key may do it six times a minute: then it is refused with 429."""
        try:
            found = credentials.try_saved(self.switched(pk), who=f"key:{request.auth.pk}")
        except BadConfiguration as error:
            return Response({"usable": False, "problem": str(error), "credentials": None})
        except credentials.TooOften as error:
            raise TooOften(str(error), frequency.SECONDS) from None
        tried = {"outcome": found.access, "sentence": found.sentence}
        return Response({"usable": True, "problem": "", "credentials": tried})

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Send through it. Refused with 409 while the account is not complete."""
        provider = self.switched(pk)
        try:
            accounts.enable(provider)
        except BadConfiguration as error:
            raise WrongState(str(error)) from None
        return self._noted(provider, "switched on")

    @extend_schema(request=DisableSerializer, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Send nothing more through it. What is queued waits, or goes another way."""
        reason = validated(DisableSerializer, request)["reason"]
        provider = self.switched(pk)
        accounts.disable(provider, reason)
        return self._noted(provider, "switched off")

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def bind(self, request: Request, pk: str) -> Response:
        """Have its connections made again."""
        provider = self.switched(pk)
        accounts.bind(provider)
        return self._noted(provider, "bound")

    @extend_schema(request=None, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def unbind(self, request: Request, pk: str) -> Response:
        """Have its connections given up when what is under way has its answer. It stays switched on."""
        provider = self.switched(pk)
        accounts.unbind(provider, key_label(request))
        return self._noted(provider, "unbound")

    @extend_schema(request=PinSerializer, responses={200: ProviderDetailSerializer})
    @action(detail=True, methods=["post"])
    def health(self, request: Request, pk: str) -> Response:
        """Decide how it does, over what is measured, until somebody decides otherwise."""
        chosen = Pin(validated(PinSerializer, request)["pin"])
        provider = self.switched(pk)
        measured.pin(provider=provider, pin=chosen, who=key_label(request))
        return self._noted(self.get_object(), "pinned")

    @extend_schema(operation_id="providers_prices_retrieve", responses=PricesSerializer)
    @action(detail=True)
    def prices(self, request: Request, pk: str) -> Response:
        """What a segment costs with it, by country."""
        return self._prices(self.get_object())

    @extend_schema(operation_id="providers_prices_replace", request=PricesSerializer, responses={200: PricesSerializer})
    @prices.mapping.post
    def replace_prices(self, request: Request, pk: str) -> Response:
        """Set all of its prices. They hold for messages from now on."""
        given = validated(PricesSerializer, request)["prices"]
        provider = self.switched(pk)
        prices.replace(provider, given)
        self.note(provider, "priced", set())
        return self._prices(provider)

    def switched(self, pk: str) -> Provider:
        """The provider that an action is about. Raises Http404, PermissionDenied."""
        senders.check_set_up(self.request, None)
        found: Provider = self.get_object()
        return found

    def _noted(self, provider: Provider, done: str) -> Response:
        self.note(provider, done, set())
        return Response(self.shown(provider))

    def _prices(self, provider: Provider) -> Response:
        return Response({"prices": prices.by_country(provider), "currency": settings.CURRENCY})
