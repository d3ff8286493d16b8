"""What campaigns announce, as events for other systems."""

from collections.abc import Sequence
from typing import Any

from campaigns.models import Appointment, Campaign
from delivery import clock
from delivery.webhooks import outbox
from delivery.webhooks.outbox import Fact


def campaign_changed(campaign: Campaign, **_: Any) -> None:
    data = {
        "id": campaign.pk,
        "name": campaign.name,
        "status": campaign.status,
        "paused_reason": campaign.paused_reason,
    }
    outbox.emit("campaign.status_changed", outbox.subject_of("campaign", campaign.pk), data, clock.now())


def appointments_changed(appointments: Sequence[int], change: str, **_: Any) -> None:
    name = f"appointment.{change}"
    if not (appointments and outbox.is_wanted(name)):
        return
    at = clock.now()
    for start in range(0, len(appointments), outbox.BATCH):
        rows = Appointment.objects.filter(pk__in=appointments[start : start + outbox.BATCH]).order_by("pk")
        outbox.emit_many(name, [_fact(row) for row in rows], at)


def _fact(appointment: Appointment) -> Fact:
    data = {
        "id": appointment.pk,
        "external_id": appointment.external_id,
        "contact": appointment.contact_id,
        "status": appointment.status,
        "starts_at": appointment.starts_at,
    }
    return Fact(outbox.subject_of("appointment", appointment.pk), data)
