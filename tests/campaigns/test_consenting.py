"""A campaign writes for a purpose, and only to those whose consent to that allows it."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns import launch, materialise
from campaigns.models import Campaign, Reminder
from campaigns.reminders import due
from contacts.consents import ledger
from contacts.consents.ledger import Line
from contacts.models import Contact
from delivery import retries
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.states import Status
from tests.campaigns.scenes import at_once, eventually
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, DefaultSenderFactory, MessageFactory
from tests.reminder_factories import ReminderFactory

pytestmark = pytest.mark.django_db

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def say(contact: Contact, action: str, *, day: int = 0, scope: str = "", purpose: str = "marketing") -> None:
    at = MAY + timedelta(days=day)
    ledger.record([Line(contact.phone, action, purpose, "web_form", at, scope=scope, evidence="Form 7")])


@pytest.fixture
def people() -> dict[str, Contact]:
    """One of each kind: nothing recorded, agreed, took it back."""
    found = {name: ContactFactory() for name in ("new", "agreed", "withdrawn")}
    say(found["agreed"], "granted")
    say(found["withdrawn"], "granted")
    say(found["withdrawn"], "withdrawn", day=1)
    return found


def campaign_to(people: dict[str, Contact], *, marketing_list: bool = False, **fields: object) -> Campaign:
    DefaultSenderFactory()
    members = ContactListFactory(contacts=list(people.values()), is_marketing=marketing_list)
    return CampaignFactory(include=[members], **fields)


def sent(campaign: Campaign, people: dict[str, Contact]) -> dict[str, str]:
    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)
    fates = {m.contact_id: m.reason or m.status for m in Message.objects.filter(campaign_id=campaign.pk)}
    return {name: fates[contact.pk] for name, contact in people.items()}


def test_marketing_goes_to_nobody_who_took_the_consent_back(people: dict[str, Contact]) -> None:
    campaign = campaign_to(people)
    found = launch.preflight(campaign)
    assert (found.withdrawn, found.unrecorded, found.needs_consent, found.left_out) == (1, 1, False, 1)
    assert sent(campaign, people) == {"new": "queued", "agreed": "queued", "withdrawn": "no_consent"}


@pytest.mark.parametrize("of_the_list", [True, False])
def test_where_a_consent_must_be_recorded_nobody_without_gets_marketing(
    people: dict[str, Contact], of_the_list: bool, settings: Settings
) -> None:
    settings.MARKETING_NEEDS_CONSENT = not of_the_list
    campaign = campaign_to(people, marketing_list=of_the_list)
    found = launch.preflight(campaign)
    assert (found.unrecorded, found.needs_consent, found.left_out) == (1, True, 2)
    assert sent(campaign, people) == {"new": "no_consent", "agreed": "queued", "withdrawn": "no_consent"}


def test_the_rule_is_that_of_the_launch(people: dict[str, Contact], settings: Settings) -> None:
    campaign = campaign_to(people)
    launch.launch(campaign=campaign, actor=None)
    settings.MARKETING_NEEDS_CONSENT = True
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)
    assert Message.objects.get(campaign_id=campaign.pk, contact_id=people["new"].pk).status == "queued"


def test_what_is_no_marketing_asks_for_no_marketing_consent(people: dict[str, Contact], settings: Settings) -> None:
    settings.MARKETING_NEEDS_CONSENT = True
    campaign = campaign_to(people, purpose="transactional")
    assert sent(campaign, people) == dict.fromkeys(people, "queued")


def test_a_consent_to_one_sender_is_about_that_senders_campaigns(settings: Settings) -> None:
    settings.MARKETING_NEEDS_CONSENT = True
    people = {"mine": ContactFactory(), "other": ContactFactory()}
    campaign = campaign_to(people)
    say(people["mine"], "granted", scope=Sender.objects.get().address)
    say(people["other"], "granted", scope="ANOTHER")
    assert sent(campaign, people) == {"mine": "queued", "other": "no_consent"}


def test_a_withdrawal_stops_what_waits_of_marketing_and_nothing_else(people: dict[str, Contact]) -> None:
    ada = people["agreed"]
    campaign = campaign_to(people)
    sent(campaign, people)
    alone = MessageFactory(recipient=ada.phone)
    other = CampaignFactory(include=[ContactListFactory(contacts=[ada])], purpose="transactional")
    sent(other, {"ada": ada})

    say(ada, "withdrawn", day=2)

    stopped = Message.objects.get(campaign_id=campaign.pk, contact_id=ada.pk)
    assert (stopped.status, stopped.reason, stopped.final_at is not None) == ("suppressed", "no_consent", True)
    alone.refresh_from_db()
    assert alone.status == Message.objects.get(campaign_id=other.pk).status == "queued"
    assert Message.objects.get(campaign_id=campaign.pk, contact_id=people["new"].pk).status == "queued"


def failed(message: Message) -> Message:
    """Its provider says that the handset was out of reach, which is tried again."""
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(status=Status.UNDELIVERED, reason=Failure.UNREACHABLE)
        retries.retry_failed([message.pk], now=timezone.now())
    message.refresh_from_db()
    return message


def test_what_was_under_way_at_a_withdrawal_is_not_tried_again(people: dict[str, Contact]) -> None:
    # Given two texts of a campaign that left already, to one who takes the consent back and to one who does not
    campaign = campaign_to(people, lane=Lane.REMINDER)
    sent(campaign, people)
    Message.objects.filter(campaign_id=campaign.pk, status=Status.QUEUED).update(status=Status.ACCEPTED)

    say(people["agreed"], "withdrawn", day=2)

    # When both fail for a passing reason, and staff press the button as well
    texts = {name: Message.objects.get(campaign_id=campaign.pk, contact_id=people[name].pk) for name in people}
    assert failed(texts["new"]).status == Status.HELD
    assert failed(texts["agreed"]).status == Status.UNDELIVERED
    campaign.refresh_from_db()
    assert campaign.launched_at is not None
    with transaction.atomic():
        retries.retry_campaign(campaign.pk, campaign.launched_at, after=0, now=timezone.now())

    # Then it is as it was
    texts["agreed"].refresh_from_db()
    assert (texts["agreed"].status, texts["agreed"].attempt) == (Status.UNDELIVERED, 1)


def test_a_withdrawal_of_reminders_stops_those_that_wait() -> None:
    # Given a reminder that is written and waits, and another text to the same person
    DefaultSenderFactory()
    reminder = ReminderFactory(due_at=timezone.now() - timedelta(minutes=1))
    ada = reminder.appointment.contact
    due.hand_over_batch()
    alone = MessageFactory(recipient=ada.phone)
    reminder.refresh_from_db()
    assert reminder.state == Reminder.State.SUBMITTED

    say(ada, "withdrawn", purpose="reminders")

    message = Message.objects.get(pk=reminder.message_id)
    assert (message.status, message.reason) == (Status.SUPPRESSED, "no_consent")
    alone.refresh_from_db()
    assert alone.status == Status.QUEUED


def test_a_reminder_by_a_sender_is_not_written_to_who_took_back_what_was_said_to_it() -> None:
    sender = DefaultSenderFactory()
    reminder = ReminderFactory(due_at=timezone.now() - timedelta(minutes=1), rule__sender=sender)
    say(reminder.appointment.contact, "withdrawn", purpose="reminders", scope=sender.address)

    due.hand_over_batch()

    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == (Reminder.State.SKIPPED, "no_consent")


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_while_the_text_is_being_written_stops_it(people: dict[str, Contact]) -> None:
    # Given somebody who has read the ledger for a campaign's texts and has not committed them
    campaign = campaign_to(people)
    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    commit = threading.Event()

    def write() -> None:
        with transaction.atomic():
            materialise.materialise_chunk(campaign.pk)
            assert commit.wait(60)

    def take_back() -> None:
        eventually(lambda: _locks(granted=True))
        say(people["agreed"], "withdrawn", day=2)

    # When a consent is taken back in between: it waits for the commit
    def watch() -> None:
        try:
            eventually(lambda: _locks(granted=False))
        finally:
            commit.set()

    assert at_once(write, take_back, watch) == [None, None, None]

    # Then the text that was written is found
    message = Message.objects.get(campaign_id=campaign.pk, contact_id=people["agreed"].pk)
    assert (message.status, message.reason) == (Status.SUPPRESSED, "no_consent")


def _locks(*, granted: bool) -> int:
    """Advisory locks of this database that somebody has, or waits for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
               WHERE locktype = 'advisory' AND d.datname = current_database() AND granted = %s""",
            [granted],
        )
        return int(cursor.fetchone()[0])
