"""A small clinic's hub with something on every page, made without anything running: for pictures, and for what reads
pages aloud. Names are made up; numbers are of exchanges that nobody has.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, Conversation
from contacts.models import Contact, ContactImport, ContactList
from delivery.models import HealthCount, Message, Provider, Sender
from delivery.states import Status
from tests import conversation_factories, factories, reminder_factories, webhook_factories
from tests.campaigns.report.scenes import ROWS, counted, finished

_PEOPLE = (
    "Ada Byron",
    "Grace Hopper",
    "Katherine Johnson",
    "Zoë Lindqvist",
    "Mateo García",
    "Noor Haddad",
    "Wei Tanaka",
)
_TEXT = "Hi {{ first_name }}, flu shots are on Monday from 9 to 12 at Elm Street. Reply STOP to end."


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where its pages are, by the name that their pictures have."""

    pages: dict[str, str]
    administrator: User


def clinic() -> Clinic:
    provider, sender = _provider()
    people = [factories.ContactFactory(name=name, attributes={"clinic": "Elm Street"}) for name in _PEOPLE]
    patients = factories.ContactListFactory(name="Patients of Elm Street", contacts=people)
    factories.ContactListFactory(name="Newsletter", contacts=people[:3], is_marketing=True)
    draft, running, over = _campaigns(patients, sender)
    message = _messages(sender, people[0])
    conversation = _conversation(sender, people[0])
    upload = _records(people)
    rule = _reminders(people)
    webhook = webhook_factories.WebhookFactory(description="Practice software", url="https://example.org/webhooks")
    webhook_factories.WebhookDeliveryFactory(endpoint=webhook)
    webhook_factories.WebhookDeliveryFactory(endpoint=webhook, type="contact.opted_out")
    key = factories.ApiKeyFactory(name="Practice software", scopes=["messages:write"])
    factories.RouteFactory(sender=sender, country="US")
    factories.RouteFactory(sender=sender)
    factories.AllowedHoursFactory()
    factories.FrequencyCapFactory()
    return Clinic(
        pages={
            "home": reverse("admin:index"),
            "campaigns": _list("campaigns_campaign"),
            "campaign": _one("campaigns_campaign", draft),
            "wizard-name": reverse("admin:campaigns_campaign_add"),
            "wizard-audience": _step(draft, "audience"),
            "wizard-message": _step(draft, "message"),
            "wizard-time": _step(draft, "time"),
            "wizard-review": _step(draft, "review"),
            "live-campaign": reverse("admin:campaigns_campaign_live", args=[running.pk]),
            "report": reverse("admin:campaigns_campaign_report", args=[over.pk]),
            "templates": _list("campaigns_template"),
            "template": _one("campaigns_template", draft.template),
            "contacts": _list("contacts_contact"),
            "contact": _one("contacts_contact", people[0]),
            "lists": _list("contacts_contactlist"),
            "import": _one("contacts_contactimport", upload),
            "import-undo": reverse("admin:contacts_contactimport_undo", args=[upload.pk]),
            "suppressions": _list("contacts_suppression"),
            "consents": _list("contacts_consentevent"),
            "inbox": _list("campaigns_conversation"),
            "conversation": _one("campaigns_conversation", conversation),
            "messages": _list("delivery_message"),
            "message": _one("delivery_message", message),
            "appointments": _list("campaigns_appointment"),
            "reminder-rules": _list("campaigns_reminderrule"),
            "reminder-rule": _one("campaigns_reminderrule", rule),
            "two-weeks": reverse("admin:campaigns_reminder_upcoming"),
            "tasks": _list("campaigns_stafftask"),
            "allowed-hours": _list("delivery_allowedhours"),
            "frequency-caps": _list("delivery_frequencycap"),
            "keywords": _list("delivery_keyword"),
            "routes": _list("delivery_route"),
            "providers": _list("delivery_provider"),
            "provider": _one("delivery_provider", provider),
            "senders": _list("delivery_sender"),
            "webhooks": _list("delivery_webhookendpoint"),
            "webhook": _one("delivery_webhookendpoint", webhook),
            "api-keys": _list("api_apikey"),
            "api-key": _one("api_apikey", key),
            "users": _list("auth_user"),
            "security": reverse("admin:account_security"),
            "audit": _list("audit_entry"),
        },
        administrator=factories.AdministratorFactory(username="maria", first_name="Maria"),
    )


def _list(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


def _one(model: str, row: object) -> str:
    return reverse(f"admin:{model}_change", args=[row.pk])  # type: ignore[attr-defined]


def _step(campaign: Campaign, step: str) -> str:
    return reverse("admin:campaigns_campaign_wizard", args=[campaign.pk, step])


def _provider() -> tuple[Provider, Sender]:
    provider = factories.ProviderFactory(name="Main carrier", rate=80)
    factories.PriceFactory(provider=provider, country="US", per_segment=Decimal("0.0079"))
    factories.PriceFactory(provider=provider, country="", per_segment=Decimal("0.04"))
    factories.ProviderHealthFactory(provider=provider)
    factories.HealthChangeFactory(provider=provider)
    now = timezone.now()
    HealthCount.objects.bulk_create(
        HealthCount(
            provider_id=provider.pk,
            at=now - timedelta(minutes=minute),
            attempts=40 + 13 * minute % 29,
            taken=38 + 13 * minute % 29,
            errors=minute % 3,
        )
        for minute in range(55)
    )
    standby = factories.ProviderFactory(name="Standby", enabled=False, disabled_reason="The contract begins in May.")
    factories.SenderFactory(provider=standby, address="ELMCLINIC")
    return provider, factories.DefaultSenderFactory(provider=provider, address="+16505550100")


def _campaigns(patients: ContactList, sender: Sender) -> tuple[Campaign, Campaign, Campaign]:
    statuses = Campaign.Status
    draft = factories.CampaignFactory(name="Flu shots, Elm Street", include=[patients], sender=sender, body=_TEXT)
    soon = timezone.now() + timedelta(days=2)
    factories.CampaignFactory(name="Opening hours in May", status=statuses.SCHEDULED, scheduled_at=soon)
    over = counted(finished(tuple((*row[:3], row[3] * 3, *row[4:]) for row in ROWS)))
    launched = timezone.now() - timedelta(minutes=4)
    running: Campaign = factories.CampaignFactory(
        name="Appointments of next week",
        status=statuses.RUNNING,
        launched_at=launched,
        materialised_at=launched,
        audience_size=60,
        sender=sender,
        max_cost=Decimal("5.00"),
        include=[patients],
    )
    spread = {Status.DELIVERED: 24, Status.SENT: 8, Status.ACCEPTED: 3, Status.UNDELIVERED: 2, Status.QUEUED: 23}
    for number, status in enumerate(status for status, size in spread.items() for _ in range(size)):
        factories.MessageFactory(
            campaign_id=running.pk,
            contact_id=1000 + number,
            sender=sender,
            status=status,
            reason="unreachable" if status == Status.UNDELIVERED else "",
            country="US",
            segments=1,
            cost=Decimal("0.0079"),
        )
    factories.CampaignEventFactory(campaign=running, actor_label="maria")
    return draft, running, over


def _messages(sender: Sender, contact: Contact) -> Message:
    message: Message = factories.MessageFactory(
        sender=sender, recipient=contact.phone, contact_id=contact.pk, status=Status.DELIVERED, segments=1, country="US"
    )
    for seconds, status in enumerate((Status.ACCEPTED, Status.SENT, Status.DELIVERED)):
        at = timezone.now() - timedelta(seconds=10 - seconds)
        factories.MessageEventFactory(message=message, status=status, at=at)
    return message


def _conversation(sender: Sender, contact: Contact) -> Conversation:
    conversation: Conversation = conversation_factories.ConversationFactory(
        contact=contact, phone=contact.phone, sender=sender, unread=True
    )
    for body in ("Is the car park open on Monday?", "And may I bring my son?"):
        factories.InboundFactory(
            provider=conversation.provider, phone=contact.phone, recipient=conversation.address, body=body
        )
    conversation_factories.ConversationFactory(sender=sender, status=Conversation.Status.CLOSED)
    conversation_factories.CannedReplyFactory(name="Car park", body="Yes, it opens at 8.")
    conversation_factories.KeywordFactory(word="enough")
    return conversation


def _records(people: list[Contact]) -> ContactImport:
    factories.SuppressionFactory(phone=people[-1].phone)
    factories.SuppressionFactory(reason="refused", evidence="Please leave me alone.")
    for person in people[:3]:
        factories.ConsentEventFactory(phone=person.phone)
    upload: ContactImport = factories.ContactImportFactory(
        status=ContactImport.Status.DONE,
        rows_read=120,
        created_count=112,
        duplicate_count=5,
        rejected_count=3,
        undo_until=timezone.now() + timedelta(days=7),
    )
    return upload


def _reminders(people: list[Contact]) -> object:
    rule = reminder_factories.ReminderRuleFactory(name="The day before")
    for days, person in enumerate(people, start=2):
        appointment = reminder_factories.AppointmentFactory(
            contact=person, starts_at=timezone.now() + timedelta(days=days)
        )
        due = timezone.now() + timedelta(days=days - 1)
        reminder_factories.ReminderFactory(
            appointment=appointment, rule=rule, due_at=due, valid_until=due + timedelta(hours=12)
        )
    reminder_factories.StaffTaskFactory(rule=rule, appointment=appointment)
    return rule
