"""The doctor on accounts, processes and what waits."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns.models import Campaign
from contacts.importing.work import LOCK
from contacts.models import ContactImport
from delivery import vitals
from delivery.lanes import Lane
from delivery.models import Message, Provider, Sender
from delivery.states import Status
from smshub.doctor import accounts, backlog, workers
from smshub.doctor.findings import Finding, Level
from tests.factories import (
    AudienceChunkFactory,
    CampaignFactory,
    CampaignHoldFactory,
    ContactImportFactory,
    DefaultSenderFactory,
    InboxReceiptFactory,
    MessageFactory,
    ProviderFactory,
    SenderFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


def one(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    assert finding.what_to_do
    return finding


def silent(findings: Iterable[Finding]) -> bool:
    return list(findings) == []


def ago(**how_long: float) -> Any:
    return timezone.now() - timedelta(**how_long)


# --- accounts ----------------------------------------------------------------------------------------------------


def test_a_hub_that_can_send_is_no_news() -> None:
    DefaultSenderFactory()
    assert silent(accounts.providers())
    assert silent(accounts.senders())
    assert silent(accounts.default_sender())


def test_a_hub_without_any_provider_is_found() -> None:
    assert "no provider" in one(accounts.providers()).what
    assert "No sender" in one(accounts.senders()).what


def test_a_provider_that_was_switched_off_is_found_with_its_reason() -> None:
    ProviderFactory(name="Carrier", enabled=False, disabled_reason="The provider refuses the account (code 20003).")
    found = one(accounts.providers())
    assert found.level is Level.PROBLEM
    assert "20003" in found.what


def test_a_provider_that_staff_switched_off_is_a_warning() -> None:
    ProviderFactory(enabled=False)
    assert one(accounts.providers()).level is Level.WARNING


def test_a_provider_of_an_unknown_kind_is_found() -> None:
    ProviderFactory(name="Carrier", adapter="pigeon")
    assert "pigeon" in one(accounts.providers()).what_to_do


def test_a_provider_that_lacks_a_setting_is_found() -> None:
    ProviderFactory(name="Carrier", adapter="twilio", settings={"account_sid": "AC" + "0" * 32})
    assert "Carrier cannot work" in one(accounts.providers()).what


def test_credentials_that_were_sealed_with_a_lost_key_are_found(settings: Settings) -> None:
    ProviderFactory(name="Carrier", credentials={"auth_token": "secret"})
    settings.FIELD_ENCRYPTION_KEYS = ["A" * 43 + "="]
    found = one(accounts.providers())
    assert "Carrier" in found.what
    assert "FIELD_ENCRYPTION_KEYS" in found.what_to_do


def test_a_sender_that_the_provider_refused_is_found() -> None:
    SenderFactory()
    SenderFactory(enabled=False, disabled_reason="The provider refuses this sender (code 21606).")
    assert "21606" in one(accounts.senders()).what


def test_a_missing_default_sender_is_a_warning_and_one_that_is_off_a_problem() -> None:
    assert one(accounts.default_sender()).level is Level.WARNING
    DefaultSenderFactory(enabled=False)
    assert one(accounts.default_sender()).level is Level.PROBLEM


# --- the queue ---------------------------------------------------------------------------------------------------


def queued(**fields: Any) -> Message:
    message: Message = MessageFactory(**fields)
    Message.objects.filter(pk=message.pk).update(created_at=ago(hours=1))
    return message


def claims_go_on(message: Message) -> None:
    vitals.count("claimed", 1, message.provider_id)
    vitals.flush()


def test_fresh_messages_and_slow_bulk_are_no_news() -> None:
    MessageFactory()
    claims_go_on(queued(lane=Lane.BULK))
    assert silent(backlog.queue())


def test_messages_that_nobody_claims_are_found() -> None:
    queued(sender__provider__name="Carrier")
    found = one(backlog.queue())
    assert found.level is Level.PROBLEM
    assert "none has been claimed for Carrier" in found.what
    assert "dispatch" in found.what_to_do


def test_urgent_messages_that_are_late_although_some_are_sent_are_a_warning() -> None:
    claims_go_on(queued(lane=Lane.ALERT))
    assert one(backlog.queue()).level is Level.WARNING


def test_messages_for_a_provider_or_a_sender_that_is_off_are_found() -> None:
    message = queued(sender__provider__name="Carrier")
    Sender.objects.update(enabled=False)
    assert f"sender {message.sender_id} is switched off" in one(backlog.queue()).what
    Provider.objects.update(enabled=False)
    assert "Carrier is switched off" in one(backlog.queue()).what


# --- campaigns ---------------------------------------------------------------------------------------------------


def running(**fields: Any) -> Campaign:
    campaign: Campaign = CampaignFactory(
        status=Campaign.Status.RUNNING, launched_at=ago(hours=1), **{"materialised_at": ago(minutes=50), **fields}
    )
    return campaign


def test_campaigns_that_come_forward_wait_or_are_on_pause_are_no_news() -> None:
    claims_go_on(queued(campaign_id=running().pk, lane=Lane.BULK))
    making = running(materialised_at=None, audience_size=2000)
    AudienceChunkFactory(campaign=making, done_at=ago(seconds=5))
    AudienceChunkFactory(campaign=making, first=1000, last=1999)
    paused = CampaignFactory(status=Campaign.Status.PAUSED, launched_at=ago(hours=1))
    queued(campaign_id=paused.pk)
    CampaignHoldFactory(campaign_id=paused.pk)
    CampaignFactory(status=Campaign.Status.RUNNING, launched_at=ago(seconds=5))
    MessageFactory(campaign_id=running().pk, status=Status.SENT)
    assert silent(backlog.campaigns())


def test_a_campaign_whose_messages_are_not_made_is_found() -> None:
    campaign = running(materialised_at=None)
    found = one(backlog.campaigns())
    assert f"Campaign {campaign.pk}" in found.what
    assert "loader" in found.what_to_do


def test_a_campaign_that_stopped_making_messages_is_found() -> None:
    campaign = running(materialised_at=None, audience_size=2000)
    AudienceChunkFactory(campaign=campaign, done_at=ago(minutes=30))
    AudienceChunkFactory(campaign=campaign, first=1000, last=1999)
    assert "30 minutes" in one(backlog.campaigns()).what


def test_a_campaign_whose_messages_nobody_claims_is_found() -> None:
    queued(campaign_id=running().pk, lane=Lane.BULK)
    assert "not sent" in one(backlog.campaigns()).what


def test_a_campaign_that_runs_and_is_held_is_found() -> None:
    CampaignHoldFactory(campaign_id=running().pk)
    assert "resume" in one(backlog.campaigns()).what_to_do


# --- receipts, doubts, imports -----------------------------------------------------------------------------------


def test_receipts_are_late_when_they_have_been_due_for_long() -> None:
    InboxReceiptFactory()
    InboxReceiptFactory(received_at=ago(hours=1), try_at=timezone.now() + timedelta(minutes=5))
    assert silent(backlog.receipts())
    InboxReceiptFactory(received_at=ago(minutes=10))
    assert "reconcile" in one(backlog.receipts()).what_to_do


def test_a_doubt_is_reported_when_it_lasts() -> None:
    MessageFactory(status=Status.UNCERTAIN, claimed_at=ago(minutes=5), ask_at=timezone.now())
    MessageFactory(status=Status.SENT, claimed_at=ago(hours=3), ask_at=timezone.now())
    assert silent(backlog.uncertain())
    MessageFactory(status=Status.UNCERTAIN, claimed_at=ago(hours=3), ask_at=timezone.now())
    assert one(backlog.uncertain()).what.startswith("1 messages have been in doubt")


@pytest.fixture
def started() -> Iterator[ContactImport]:
    upload = ContactImportFactory(status=ContactImport.Status.IMPORTING, started_at=ago(hours=1))
    yield upload
    upload.file.delete(save=False)


def test_an_import_that_nobody_works_on_is_found(started: ContactImport) -> None:
    assert f"Import {started.pk}" in one(backlog.imports()).what


def test_an_import_that_is_worked_on_is_no_news(started: ContactImport) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, started.pk])
        assert silent(backlog.imports())


# --- processes ---------------------------------------------------------------------------------------------------


def test_queues_that_nobody_reads_are_found_with_the_program_that_should() -> None:
    found = list(workers.queues())
    assert {finding.what.split(":")[0].split()[-1] for finding in found} == {
        "dispatch",
        "reconcile",
        "launch",
        "imports",
        "default",
    }
    assert [finding for finding in found if "program loader" in finding.what_to_do]


def test_a_queue_whose_readers_have_fallen_silent_is_one_that_nobody_reads() -> None:
    vitals.alive("dispatch@here", ["dispatch"])
    assert not [finding for finding in workers.queues() if "queue dispatch" in finding.what]
    assert [finding for finding in workers.queues(unread=timedelta(0)) if "queue dispatch" in finding.what]


def test_a_clock_that_stands_still_is_found_and_one_that_goes_is_not() -> None:
    assert "as long as Redis remembers" in one(workers.clock()).what
    vitals.count("ticks")
    vitals.flush()
    assert silent(workers.clock())
    assert "has not ticked since" in one(workers.clock(silence=timedelta(0))).what
