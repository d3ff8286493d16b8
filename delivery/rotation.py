"""Rotating the key ring: everything that is sealed with it is sealed anew by its first key. Texts need not be."""

from dataclasses import dataclass

from django.db import transaction

from delivery import bodies
from delivery.models import Month, Provider, WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Rotated:
    providers: int
    months: int
    webhooks: int


def rotate() -> Rotated:
    """All or nothing. Raises CannotDecrypt when a key is missing."""
    with transaction.atomic():
        providers = list(Provider.objects.select_for_update(no_key=True).order_by("pk"))
        for provider in providers:
            provider.save(update_fields=["credentials"])
        months = list(Month.objects.select_for_update(no_key=True).filter(body_key__isnull=False).order_by("pk"))
        for month in months:
            month.body_key = bodies.rewrap(month.month, bytes(month.body_key or b""))
            month.save(update_fields=["body_key"])
        webhooks = list(WebhookEndpoint.objects.select_for_update(no_key=True).order_by("pk"))
        for webhook in webhooks:
            webhook.save(update_fields=["secret"])
    bodies.forget()
    return Rotated(len(providers), len(months), len(webhooks))
