"""One of each thing, with sensible values: name in a test only what the test is about.

Factories write rows as they are, past the verbs: a `MessageFactory(status="delivered")` was never sent. Lists
take their contacts (`ContactListFactory(contacts=[ada, bob])`), campaigns
their lists (`CampaignFactory(include=[friends])`).
"""

import hashlib
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone
from factory.django import DjangoModelFactory, Password

from campaigns.models import AudienceChunk, AudienceEntry, Campaign, CampaignEvent, Template, TemplateVersion
from contacts.models import ConsentEvent, Contact, ContactImport, ContactList, Erasure, Membership, Suppression
from delivery.ids import campaign_message_id, new_message_id
from delivery.models import (
    AllowedHours,
    CampaignHold,
    FrequencyCap,
    HealthChange,
    Inbound,
    InboxReceipt,
    Message,
    MessageEvent,
    Price,
    Provider,
    ProviderHealth,
    Route,
    Sender,
    Tally,
)
from delivery.routing.rules import State
from delivery.states import FINAL, Status
from smshub.api.models import ApiKey, IdempotencyRecord, SmppLogin


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"staff{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = Password("correct horse battery staple")
    is_staff = True


class AdministratorFactory(UserFactory):
    username = factory.Sequence(lambda n: f"administrator{n}")
    is_superuser = True


# --- contacts ---------------------------------------------------------------------------------------------------


def phone(n: int) -> str:
    """A number of the fictional 555-01xx kind's neighbourhood: valid in form, one per n up to five million."""
    return f"+1415{5_000_000 + n % 5_000_000}"


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    phone = factory.Sequence(phone)
    name = factory.Sequence(lambda n: f"Ada Number{n}")
    language = "en"
    country = "US"
    attributes = factory.LazyFunction(dict)


class ContactListFactory(DjangoModelFactory):
    class Meta:
        model = ContactList
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"List {n}")

    @factory.post_generation
    def contacts(self: ContactList, create: bool, extracted: list[Contact] | None, **_: Any) -> None:
        if create and extracted:
            Membership.objects.bulk_create(Membership(contact_list=self, contact=contact) for contact in extracted)
            self.refresh_from_db(fields=["size"])


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    contact_list = factory.SubFactory(ContactListFactory)
    contact = factory.SubFactory(ContactFactory)


class SuppressionFactory(DjangoModelFactory):
    class Meta:
        model = Suppression

    phone = factory.Sequence(phone)
    reason = Suppression.Reason.OPTED_OUT
    evidence = "Texted STOP."


class ConsentEventFactory(DjangoModelFactory):
    class Meta:
        model = ConsentEvent

    phone = factory.Sequence(phone)
    purpose = ConsentEvent.Purpose.MARKETING
    action = ConsentEvent.Action.GRANTED
    source = ConsentEvent.Source.WEB_FORM
    at = factory.LazyFunction(timezone.now)
    wording = "Offers by text, twice a month"
    evidence = "Form 7"


class ErasureFactory(DjangoModelFactory):
    class Meta:
        model = Erasure

    phone = factory.Sequence(phone)
    requested_by = "sam"
    evidence = "Letter of 3 May"


class ContactImportFactory(DjangoModelFactory):
    class Meta:
        model = ContactImport

    file = factory.django.FileField(filename="people.csv", data=b"phone,name\n+14155550123,Ada Byron\n")
    original_name = "people.csv"
    contact_list = factory.SubFactory(ContactListFactory)
    default_country = "US"


# --- delivery ---------------------------------------------------------------------------------------------------


class ProviderFactory(DjangoModelFactory):
    class Meta:
        model = Provider

    name = factory.Sequence(lambda n: f"Provider {n}")
    adapter = "console"
    rate = 100


class SenderFactory(DjangoModelFactory):
    class Meta:
        model = Sender

    provider = factory.SubFactory(ProviderFactory)
    address = factory.Sequence(lambda n: f"+1650{5_550_000 + n}")


class DefaultSenderFactory(SenderFactory):
    is_default = True


def _message_id(message: Any) -> UUID:
    """As its writer makes it; a campaign that was never launched is taken for one that was a moment ago."""
    if not (getattr(message, "campaign_id", 0) and getattr(message, "contact_id", None) is not None):
        return new_message_id()
    launched = Campaign.objects.filter(pk=message.campaign_id).values_list("launched_at", flat=True).first()
    return campaign_message_id(launched or timezone.now(), message.campaign_id, message.contact_id)


class RouteFactory(DjangoModelFactory):
    class Meta:
        model = Route

    sender = factory.SubFactory(SenderFactory)


class PriceFactory(DjangoModelFactory):
    class Meta:
        model = Price

    provider = factory.SubFactory(ProviderFactory)
    per_segment = Decimal("0.01")


class ProviderHealthFactory(DjangoModelFactory):
    class Meta:
        model = ProviderHealth

    provider = factory.SubFactory(ProviderFactory)


class HealthChangeFactory(DjangoModelFactory):
    class Meta:
        model = HealthChange

    provider = factory.SubFactory(ProviderFactory)
    at = factory.LazyFunction(timezone.now)
    from_state = State.HEALTHY
    to_state = State.DEGRADED
    from_factor = 100
    factor = 75
    reason = "20.0 % of 100 attempts failed by its fault."


class MessageFactory(DjangoModelFactory):
    class Meta:
        model = Message

    id = factory.LazyAttribute(_message_id)
    sender = factory.SubFactory(SenderFactory)
    provider = factory.SelfAttribute("sender.provider")
    recipient = factory.Sequence(phone)
    body = "Your table is ready."
    status = Status.QUEUED
    final_at = factory.LazyAttribute(lambda message: timezone.now() if message.status in FINAL else None)


class MessageEventFactory(DjangoModelFactory):
    class Meta:
        model = MessageEvent

    message = factory.SubFactory(MessageFactory)
    fingerprint = factory.Sequence(lambda n: f"evidence:{n}")
    at = factory.LazyFunction(timezone.now)
    source = MessageEvent.Source.RECEIPT
    status = Status.DELIVERED


class InboxReceiptFactory(DjangoModelFactory):
    class Meta:
        model = InboxReceipt

    provider = factory.SubFactory(ProviderFactory)
    attempt = 1
    provider_message_id = factory.Sequence(lambda n: f"SM{n:032x}")
    status = Status.DELIVERED
    received_at = factory.LazyFunction(timezone.now)
    try_at = factory.SelfAttribute("received_at")


class InboundFactory(DjangoModelFactory):
    class Meta:
        model = Inbound

    provider = factory.SubFactory(ProviderFactory)
    provider_message_id = factory.Sequence(lambda n: f"MO{n:032x}")
    phone = factory.Sequence(phone)
    recipient = "+16505550000"
    body = "Thank you!"


class AllowedHoursFactory(DjangoModelFactory):
    class Meta:
        model = AllowedHours

    country = "ZM"
    weekday_from = saturday_from = sunday_from = time(8)
    weekday_until = saturday_until = sunday_until = time(21)
    source = "The clinic's own rule."


class FrequencyCapFactory(DjangoModelFactory):
    class Meta:
        model = FrequencyCap

    country = "ZM"
    most = 3
    hours = 24


class CampaignHoldFactory(DjangoModelFactory):
    class Meta:
        model = CampaignHold

    campaign_id = factory.Sequence(lambda n: n + 1)


class TallyFactory(DjangoModelFactory):
    class Meta:
        model = Tally

    campaign_id = factory.Sequence(lambda n: n + 1)
    status = Status.QUEUED
    messages = 1
    segments = 1


# --- campaigns --------------------------------------------------------------------------------------------------


class TemplateFactory(DjangoModelFactory):
    """A template without any text yet: see TemplateVersionFactory."""

    class Meta:
        model = Template

    name = factory.Sequence(lambda n: f"Template {n}")


class TemplateVersionFactory(DjangoModelFactory):
    class Meta:
        model = TemplateVersion

    template = factory.SubFactory(TemplateFactory)
    number = factory.LazyAttribute(lambda version: version.template.versions.count() + 1)
    body = "Hi {{ first_name }}, your table is ready."
    variables = ["first_name"]


class CampaignFactory(DjangoModelFactory):
    """A draft whose template has a text (`body="…"`); it needs lists and a sender to be launched."""

    class Meta:
        model = Campaign
        skip_postgeneration_save = True

    class Params:
        body = "Hi {{ first_name }}, your table is ready."

    name = factory.Sequence(lambda n: f"Campaign {n}")
    template = factory.LazyAttribute(lambda campaign: TemplateVersionFactory(body=campaign.body).template)

    @factory.post_generation
    def include(self: Campaign, create: bool, extracted: list[ContactList] | None, **_: Any) -> None:
        if create and extracted:
            self.include.set(extracted)

    @factory.post_generation
    def exclude(self: Campaign, create: bool, extracted: list[ContactList] | None, **_: Any) -> None:
        if create and extracted:
            self.exclude.set(extracted)


class CampaignEventFactory(DjangoModelFactory):
    class Meta:
        model = CampaignEvent

    campaign = factory.SubFactory(CampaignFactory)
    from_status = Campaign.Status.DRAFT
    to_status = Campaign.Status.RUNNING
    actor_label = "SMSHub"


class AudienceEntryFactory(DjangoModelFactory):
    class Meta:
        model = AudienceEntry

    campaign = factory.SubFactory(CampaignFactory)
    position = factory.Sequence(lambda n: n)
    contact_id = factory.LazyFunction(lambda: ContactFactory().pk)


class AudienceChunkFactory(DjangoModelFactory):
    class Meta:
        model = AudienceChunk

    campaign = factory.SubFactory(CampaignFactory)
    first = 0
    last = 999


# --- the API ----------------------------------------------------------------------------------------------------


class ApiKeyFactory(DjangoModelFactory):
    """A stored key; its secret is known to nobody. Use the key-making verb to call the API."""

    class Meta:
        model = ApiKey

    name = factory.Sequence(lambda n: f"System {n}")
    prefix = factory.Sequence(lambda n: f"key{n:08x}")
    secret_hash = factory.LazyAttribute(lambda key: hashlib.sha256(key.prefix.encode()).digest())
    scopes = factory.LazyFunction(list)


class SmppLoginFactory(DjangoModelFactory):
    """A login that nobody can bind with. Use the login-making verb for one with a password."""

    class Meta:
        model = SmppLogin

    api_key = factory.SubFactory(ApiKeyFactory)
    system_id = factory.Sequence(lambda n: f"system{n}")


class IdempotencyRecordFactory(DjangoModelFactory):
    class Meta:
        model = IdempotencyRecord

    api_key = factory.SubFactory(ApiKeyFactory)
    key = factory.Sequence(lambda n: f"request-{n}")
    request_hash = factory.LazyAttribute(lambda record: hashlib.sha256(record.key.encode()).digest())
    status = 201
    body = factory.LazyFunction(dict)
