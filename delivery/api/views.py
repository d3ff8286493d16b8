"""Messages and texts received over HTTP. Sending stands a floor above, where templates are."""

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.refusals import WrongState
from delivery import redaction, submit
from delivery.api import senders, serializers
from delivery.api.filters import InboundFilters, MessageFilters
from delivery.models import (
    EVENT_ORDER,
    Inbound,
    Message,
    MessageEvent,
    MessagePart,
)

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
