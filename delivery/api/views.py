"""Messages, senders and texts received over HTTP. Sending stands a floor above, where templates are."""

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import phone
from contacts.api.refusals import WrongState
from delivery import redaction, submit
from delivery.api import senders, serializers
from delivery.api.filters import InboundFilters, MessageFilters
from delivery.models import (
    EVENT_ORDER,
    TEST_PROVIDER,
    Inbound,
    Message,
    MessageEvent,
    MessagePart,
    Provider,
    Route,
    Sender,
)
from delivery.routing import routes

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ID = "[0-9]{1,18}"


class MessageViewSet(viewsets.ReadOnlyModelViewSet[Message]):
    """Every text and what became of it, newest first."""

    scope = "messages"
    lookup_value_regex = UUID
    queryset = Message.objects.select_related("sender", "request")
    serializer_class = serializers.MessageSerializer
    filterset_class = MessageFilters

    def get_queryset(self) -> QuerySet[Message]:
        messages = senders.seen_by(self.request, super().get_queryset())
        return with_timeline(messages) if self.action == "retrieve" else messages

    @extend_schema(responses=serializers.MessageDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One message, its timeline, and what its status, reason and provider's code mean."""
        return Response(serializers.MessageDetailSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: serializers.MessageDetailSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a message that nobody has begun to send. Refused with 409 when it is too late."""
        message = self.get_object()
        if not submit.cancel(message_id=message.pk):
            message.refresh_from_db(fields=["status"])
            raise WrongState(
                f"This message is {message.get_status_display().lower()}; it cannot be cancelled any more.",
                message_status=message.status,
            )
        return self._answer(message)

    @extend_schema(request=None, responses={200: serializers.MessageDetailSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def redact(self, request: Request, pk: str) -> Response:
        """Empty its text and metadata for good. Refused with 409 while it is under way, for then it is needed."""
        message = self.get_object()
        if not redaction.redact_one(message.pk):
            raise WrongState(
                "This message is still under way: cancel it, or wait for its end.", message_status=message.status
            )
        return self._answer(message)

    def _answer(self, message: Message) -> Response:
        now: Message = get_object_or_404(with_timeline(self.get_queryset()), pk=message.pk)
        return Response(serializers.MessageDetailSerializer(now).data)


class SenderViewSet(viewsets.ReadOnlyModelViewSet[Sender]):
    """What recipients may see as the sender."""

    scope = "senders"
    lookup_value_regex = ID
    queryset = Sender.objects.select_related("provider")
    serializer_class = serializers.SenderSerializer

    def get_queryset(self) -> QuerySet[Sender]:
        return senders.visible(self.request, super().get_queryset())


class RouteViewSet(viewsets.ReadOnlyModelViewSet[Route]):
    """Which senders may carry what to where, and what share of it. Changed in the admin."""

    scope = "routes"
    reads = ("check",)
    lookup_value_regex = ID
    queryset = Route.objects.select_related("sender__provider")
    serializer_class = serializers.RouteSerializer

    @extend_schema(request=serializers.CheckSerializer, responses={200: serializers.CheckedSerializer})
    @action(detail=False, methods=["post"], pagination_class=None)
    def check(self, request: Request) -> Response:
        """Where would a message to this number go now, and why? Nothing is sent."""
        asked = serializers.CheckSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        to, lane = asked.validated_data["to"], asked.validated_data["lane"]
        country = phone.country(to)
        route, why = routes.ways_to(country, lane).explain(to, country, lane)
        answer = {
            "country": country,
            "sender": {"id": route.sender_id, "address": route.sender} if route else None,
            "provider": route.provider if route else None,
            "why": why,
        }
        return Response(answer)


class ProviderViewSet(viewsets.ReadOnlyModelViewSet[Provider]):
    """Accounts with those who carry messages, and how they do."""

    scope = "providers"
    lookup_value_regex = ID
    queryset = Provider.objects.exclude(pk=TEST_PROVIDER).select_related("health").defer("credentials", "settings")
    serializer_class = serializers.ProviderSerializer

    @extend_schema(responses=serializers.ProviderDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One provider, with the last changes of its health and why."""
        return Response(serializers.ProviderDetailSerializer(self.get_object()).data)


class InboundViewSet(viewsets.ReadOnlyModelViewSet[Inbound]):
    """Texts that people sent to our senders, newest first."""

    scope = "inbound"
    lookup_value_regex = UUID
    queryset = Inbound.objects.all()
    serializer_class = serializers.InboundSerializer
    filterset_class = InboundFilters


def with_timeline(messages: QuerySet[Message]) -> QuerySet[Message]:
    events = Prefetch("events", MessageEvent.objects.order_by(*EVENT_ORDER), to_attr="timeline")
    parts = Prefetch("parts", MessagePart.objects.order_by("attempt", "place"))
    return messages.select_related("provider").prefetch_related(events, parts)
