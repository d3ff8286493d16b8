"""Webhooks, as `tests.factories` has the rest."""

import uuid

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.webhooks.signing import new_secret


class WebhookFactory(DjangoModelFactory):
    class Meta:
        model = WebhookEndpoint

    url = "https://example.org/webhooks"
    events = factory.LazyFunction(lambda: ["*"])
    secret = factory.LazyFunction(lambda: {"present": new_secret()})


class WebhookDeliveryFactory(DjangoModelFactory):
    class Meta:
        model = WebhookDelivery

    endpoint = factory.SubFactory(WebhookFactory)
    event_id = factory.LazyFunction(uuid.uuid4)
    subject = factory.LazyFunction(uuid.uuid4)
    type = "message.delivered"
    data = factory.LazyFunction(lambda: {"status": "delivered"})
    at = factory.LazyFunction(timezone.now)
    created_at = factory.SelfAttribute("at")
    not_before = factory.SelfAttribute("at")
