"""Rotation: after it the older key opens nothing that is still needed, and no text was touched."""

import base64
import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from campaigns.models import CalendarFeed
from delivery import bodies
from delivery.encryption import CannotDecrypt
from delivery.models import Message, Provider
from tests.factories import MessageFactory
from tests.reminder_factories import CalendarFeedFactory

pytestmark = pytest.mark.django_db


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def rotate_keys() -> str:
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    return said.getvalue()


def test_after_a_rotation_the_new_key_alone_opens_everything(settings: Settings) -> None:
    message = MessageFactory(sender__provider__credentials={"auth_token": "secret"})
    feed = CalendarFeedFactory(secrets={"url": "https://calendar.example.org/secret.ics"})
    before, newer = bytes(message.sealed_body), new_key()

    settings.FIELD_ENCRYPTION_KEYS = [newer, *settings.FIELD_ENCRYPTION_KEYS]
    said = rotate_keys()
    settings.FIELD_ENCRYPTION_KEYS = [newer]
    bodies.forget()

    found = Message.objects.get(pk=message.pk)
    assert (found.body, bytes(found.sealed_body)) == (message.body, before)
    assert Provider.objects.get().credentials == {"auth_token": "secret"}
    assert CalendarFeed.objects.get(pk=feed.pk).secrets == feed.secrets
    assert "1 providers, the text keys of 5 months, 1 rows with other secrets" in said
    bodies.forget()


def test_with_a_key_missing_nothing_is_changed(settings: Settings) -> None:
    message = MessageFactory()
    ring = settings.FIELD_ENCRYPTION_KEYS

    settings.FIELD_ENCRYPTION_KEYS = [new_key()]
    with pytest.raises((CommandError, CannotDecrypt)):
        rotate_keys()

    settings.FIELD_ENCRYPTION_KEYS = ring
    bodies.forget()
    assert Message.objects.get(pk=message.pk).body == message.body
