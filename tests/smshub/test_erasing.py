"""One person is erased everywhere, whatever happens meanwhile, and can never be texted again but by their own wish."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns.models import Appointment, LinkedMessage, Reminder
from contacts import consent, digests
from contacts.consents import ledger
from contacts.consents.ledger import Line
from contacts.models import ConsentEvent, Contact, Erasure, NumberKey
from delivery import bodies, rotation
from delivery.inbound.store import store
from delivery.models import Inbound, Message, MessageRequest, Reached
from delivery.providers.base import InboundText
from delivery.states import Status
from delivery.submit import submit
from delivery.webhooks import outbox
from smshub.privacy import erasing
from tests import factories
from tests.link_factories import LinkFactory
from tests.reminder_factories import AppointmentFileFactory, ReminderFactory
from tests.webhook_factories import WebhookDeliveryFactory

pytestmark = pytest.mark.django_db

ADA, BOB = "+14155550123", "+14155550124"


@pytest.fixture(autouse=True)
def _key(settings: Settings, tmp_path: Any) -> Iterator[None]:
    settings.MEDIA_ROOT = str(tmp_path)
    digests.forget()
    yield
    digests.forget()


def settle() -> None:
    """As if everybody had had the time to see the key."""
    digests.make()
    NumberKey.objects.update(made_at=timezone.now() - timedelta(minutes=1))


def erase(phone: str = ADA) -> Erasure:
    erasure = erasing.request(phone=phone, requested_by="sam", evidence="Letter of 3 May")
    settle()
    erasing.proceed(seconds=60)
    erasure.refresh_from_db()
    return erasure


def everywhere(phone: str = ADA, name: str = "Ada Byron") -> Contact:
    """Somebody of whom there is one of everything."""
    contact = factories.ContactFactory(phone=phone, name=name, attributes={"clinic": "Elm"})
    factories.ContactListFactory(contacts=[contact])
    sender = factories.SenderFactory()
    message = factories.MessageFactory(sender=sender, recipient=phone, contact_id=contact.pk, status=Status.DELIVERED)
    factories.MessageEventFactory(message=message, detail=f"to {phone}")
    MessageRequest.objects.create(
        message_id=message.pk, api_key_id=7, metadata={"patient": name}, client_reference=f"visit of {phone}"
    )
    WebhookDeliveryFactory(endpoint__events=[], subject=message.pk, data={"to": phone})
    number = outbox.subject_of("number", phone)
    WebhookDeliveryFactory(endpoint__events=[], subject=number, data={"phone": phone}, state=1)
    AppointmentFileFactory(file=ContentFile(f"id,start,phone\n1,2030-01-01,{phone}\n".encode(), "visits.csv"))
    link = LinkFactory(campaign=None, template=factories.TemplateFactory())
    LinkedMessage.objects.create(
        link_id=link.pk,
        message_id=message.pk,
        sealed_target=bodies.seal(message.pk, f"https://example.org/?to={phone}"),
    )
    factories.InboundFactory(provider=sender.provider, phone=phone)
    Reached.objects.create(recipient=phone, place_id=1, last_at=timezone.now(), times=[timezone.now()], lanes=[3])
    ReminderFactory(appointment__contact=contact)
    ledger.record([Line(phone, "granted", "marketing", "web_form", timezone.now(), evidence=f"Form of {phone}")])
    factories.SuppressionFactory(phone=phone, scope=sender.address, evidence=f"STOP of {phone}")
    factories.IdempotencyRecordFactory(body={"to": phone})
    data = f"phone,name\n(415) {phone[5:8]}-{phone[8:]},Ada\n".encode()
    factories.ContactImportFactory(file=ContentFile(data, "people.csv"), status="done")
    LogEntry.objects.create(
        user=factories.UserFactory(),
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(contact.pk),
        object_repr=str(contact),
        action_flag=ADDITION,
    )
    return contact


def where(needle: str) -> list[str]:
    """Every table that has it in some row, in whatever column."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}" AS t WHERE position(%s IN t::text) > 0)', [needle])
            if cursor.fetchone()[0]:
                found.append(table)
    return found


def test_nothing_of_the_person_is_left_in_any_table() -> None:
    everywhere()
    everywhere(BOB, "Bob Kay")
    assert len(where(ADA)) >= 8

    erasure = erase()

    assert erasure.status == "done"
    assert where(ADA) == []
    assert where("Ada Byron") == []
    assert where(BOB), "and of another person nothing is missing"
    assert Message.objects.filter(recipient="", sealed_body=None, status=Status.DELIVERED).count() == 1
    assert LinkedMessage.objects.get().message_id == Message.objects.get(recipient=BOB).pk
    assert (Inbound.objects.count(), Appointment.objects.count(), Reminder.objects.count()) == (1, 1, 1)


def test_the_row_of_the_erasure_counts_what_went_and_names_nobody() -> None:
    everywhere()

    erasure = erase()

    assert erasure.phone is None
    assert erasure.contact_id is None
    assert bytes(erasure.digest or b"") == digests.digest(ADA)
    assert erasure.counts == {
        "reminders": 1,
        "appointments": 1,
        "links in messages": 1,
        "messages": 1,
        "texts received": 1,
        "frequency counts": 1,
        "remembered answers": 1,
        "import files": 1,
        "appointment files": 1,
        "events for webhooks": 2,
        "list memberships": 1,
        "contacts": 1,
        "consents made anonymous": 1,
        "suppressions made anonymous": 2,
        "log entries made anonymous": 1,
    }
    assert erasure.finished_at is not None


def test_from_the_request_on_nothing_is_sent_and_what_waits_is_cancelled() -> None:
    waiting = factories.MessageFactory(recipient=ADA)
    erasing.request(phone=ADA, requested_by="sam", evidence="Letter")
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED
    assert consent.suppressed_among([ADA]) == {ADA: "erased"}


@pytest.mark.parametrize("status", [Status.SENDING, Status.UNCERTAIN, Status.ACCEPTED, Status.SENT])
def test_it_waits_for_what_is_under_way_and_goes_on_by_itself(status: Status) -> None:
    message = factories.MessageFactory(recipient=ADA, status=status)
    erasure = erase()
    assert (erasure.status, erasure.phone) == ("waiting", ADA)

    Message.objects.filter(pk=message.pk).update(status=Status.DELIVERED)
    assert erasing.proceed(seconds=60) == 1
    assert where(ADA) == []


def test_it_waits_until_every_process_can_know_the_number_again() -> None:
    erasure = erasing.request(phone=ADA, requested_by="sam", evidence="Letter")
    erasing.proceed(seconds=60)
    erasure.refresh_from_db()
    assert erasure.status == "waiting"


def test_killed_at_any_step_the_next_one_ends_the_same() -> None:
    everywhere()
    settle()
    erasure = erasing.request(phone=ADA, requested_by="sam", evidence="Letter")
    for _ in range(50):
        try:
            with transaction.atomic():
                went_on = erasing.step(erasure.pk)
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        went_on = erasing.step(erasure.pk)
        if not went_on:
            break
    erasure.refresh_from_db()
    assert erasure.status == "done"
    assert where(ADA) == []
    assert erasure.counts["messages"] == erasure.counts["appointments"] == erasure.counts["contacts"] == 1


def test_asking_again_goes_on_with_the_same() -> None:
    first = erasing.request(phone=ADA, requested_by="sam", evidence="Letter")
    assert erasing.request(phone=ADA, requested_by="kim", evidence="Call") == first


def test_an_erased_number_is_never_texted_whoever_brings_it_back() -> None:
    factories.DefaultSenderFactory()
    everywhere()
    erase()

    message = submit(recipient=ADA, body="Welcome back")
    assert message.status == Status.SUPPRESSED
    assert consent.is_suppressed(ADA)
    assert consent.erased_among([ADA, BOB]) == {ADA}


def test_a_stop_of_an_erased_person_does_not_bring_the_number_back() -> None:
    erase()
    assert consent.suppress(phones=[ADA], reason="opted_out", evidence="STOP", actor=None) == 0
    assert where(ADA) == []


def test_their_own_start_lets_them_be_texted_again() -> None:
    erase()
    text = InboundText(provider_message_id="MO1", phone=ADA, recipient="+15005550006", body="START")
    assert store(factories.ProviderFactory().pk, text)
    assert not consent.is_suppressed(ADA)
    assert consent.erased_among([ADA]) == set()


@pytest.mark.parametrize("reason", ["manual", "opted_out"])
def test_why_somebody_was_stopped_before_stays_the_reason(reason: str) -> None:
    factories.SuppressionFactory(phone=ADA, reason=reason)
    erase()
    assert consent.suppressed_among([ADA]) == {ADA: reason}


def test_it_outlives_a_rotation_of_the_key_ring(settings: Settings) -> None:
    erase()
    old = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = ["MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", *old]
    rotation.rotate()
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    digests.forget()
    assert consent.is_suppressed(ADA)


def test_the_ledger_keeps_that_there_was_a_consent_and_nothing_that_speaks_of_the_person() -> None:
    everywhere()
    erase()
    kept = ConsentEvent.objects.get()
    assert (kept.phone, kept.purpose, kept.action, kept.evidence) == (None, "marketing", "granted", "")


def test_a_person_of_whom_there_is_nothing_is_erased_as_well() -> None:
    erasure = erase()
    assert (erasure.status, erasure.counts) == ("done", {"suppressions made anonymous": 1})


def test_many_messages_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.erasing.BATCH", 3)
    factories.MessageFactory.create_batch(7, recipient=ADA, status=Status.DELIVERED)
    assert erase().counts["messages"] == 7
    assert where(ADA) == []


def test_the_same_digest_comes_from_the_database_and_from_here() -> None:
    settle()
    mine = digests.digest(ADA)
    key = digests._Known.key
    assert key is not None
    with connection.cursor() as cursor:
        asked = digests._pads(key)._asdict() | {"phone": ADA}
        cursor.execute(f"SELECT {digests.DIGEST_SQL.format(phone='%(phone)s')}", asked)
        assert bytes(cursor.fetchone()[0]) == mine
