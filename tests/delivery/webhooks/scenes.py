"""What tests of webhooks begin with."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from delivery.models import Message, WebhookDelivery, WebhookEndpoint
from delivery.states import Status
from delivery.webhooks import endpoints
from tests.factories import MessageFactory

State = WebhookDelivery.State


def subscribe(url: str, *events: str) -> tuple[WebhookEndpoint, str]:
    """An endpoint and its secret; of everything, if nothing is named."""
    return endpoints.make(url=url, events=events or ["*"], by="tests")


def move(message: Message, *statuses: Status, **columns: Any) -> None:
    for status in statuses:
        Message.objects.filter(pk=message.pk).update(status=status, **columns)


def told_message(*statuses: Status) -> Message:
    """A message that goes through these."""
    message: Message = MessageFactory(status=Status.SENDING)
    move(message, *(statuses or (Status.ACCEPTED, Status.SENT, Status.DELIVERED)))
    return message


def in_a_while() -> None:
    """Whatever waits for its time has it: as if the longest wait were over."""
    WebhookDelivery.objects.filter(state=State.WAITING).update(not_before=F("created_at"))
    WebhookEndpoint.objects.update(not_before=None)


def states(subject: UUID | None = None) -> list[tuple[str, str]]:
    """(type, state) of what was written, in order."""
    rows = WebhookDelivery.objects.order_by("pk")
    rows = rows.filter(subject=subject) if subject else rows
    return [(row.type, State(row.state).name.lower()) for row in rows]


def long_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)
