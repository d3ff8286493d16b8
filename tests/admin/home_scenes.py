"""The home page's parts, and a hub in which something of each kind waits for somebody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from contacts.models import ContactImport, Suppression
from tests import factories, reminder_factories, webhook_factories
from tests.admin.reading import read
from tests.conversation_factories import ConversationFactory

#: What renews itself every few seconds, and what does less often.
NOW, TODAY = "/admin/live/", "/admin/live/today/"
Statuses = Campaign.Status


def part(client: Client, page: str, name: str) -> str:
    """What the part of that name says."""
    return read(client.get(page).content).find(name).text


def kinds(client: Client, section: str = "needs") -> set[str]:
    found = read(client.get(NOW).content).find(section)
    return {part.attributes["data-testid"].removeprefix("need-") for part in found.named("need-")}


def under_way(**fields: Any) -> Campaign:
    values = {"status": Statuses.RUNNING, "audience_size": 5, "launched_at": timezone.now()}
    campaign: Campaign = factories.CampaignFactory(**{**values, **fields})
    return campaign


def refusal() -> None:
    factories.SuppressionFactory(reason=Suppression.Reason.REFUSED)


def old_failure() -> None:
    upload = factories.ContactImportFactory(status=ContactImport.Status.FAILED)
    ContactImport.objects.filter(pk=upload.pk).update(created_at=timezone.now() - timedelta(days=8))


#: What there is → the kind of need, and the roles that hear of it.
THERE_IS: dict[str, tuple[Callable[[], object], set[str]]] = {
    "conversations": (lambda: ConversationFactory(unread=True), {"Staff", "Inbox agent", "Operator"}),
    "tasks": (reminder_factories.StaffTaskFactory, {"Staff", "Inbox agent", "Operator"}),
    "paused": (lambda: under_way(status=Statuses.PAUSED, paused_reason="Too many failed."), {"Staff", "Operator"}),
    "provider": (lambda: factories.ProviderFactory(enabled=False), {"Staff", "Operator"}),
    "imports": (lambda: factories.ContactImportFactory(status="failed"), {"Staff", "Operator"}),
    "files": (lambda: reminder_factories.AppointmentFileFactory(status="failed"), {"Staff", "Operator"}),
    "feed": (lambda: reminder_factories.CalendarFeedFactory(failures=2, error="404"), {"Operator"}),
    "webhook": (lambda: webhook_factories.WebhookFactory(enabled=False, disabled_reason="Gone"), {"Operator"}),
    "refusals": (refusal, {"Staff", "Operator"}),
    "checked-imports": (lambda: factories.ContactImportFactory(status="checked"), {"Staff", "Operator"}),
    "checked-files": (reminder_factories.AppointmentFileFactory, {"Staff", "Operator"}),
}
