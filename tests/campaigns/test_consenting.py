"""A campaign writes for a purpose, and only to those whose consent to that allows it."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from campaigns import launch, materialise
from campaigns.models import Campaign
from contacts.consents import ledger
from contacts.consents.ledger import Line
from contacts.models import Contact
from delivery.models import Message, Sender
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, DefaultSenderFactory, MessageFactory

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
