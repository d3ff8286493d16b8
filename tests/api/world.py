"""One of everything that the API has, to be asked for by its id."""

from dataclasses import dataclass
from typing import Any

from delivery.models import CountryLimit
from tests.conversation_factories import (
    AnswerRuleFactory,
    AutoReplyFactory,
    CannedReplyFactory,
    ConfirmationTextFactory,
    ConversationFactory,
    KeywordFactory,
)
from tests.factories import (
    AllowedHoursFactory,
    ApiKeyFactory,
    CampaignFactory,
    ConsentEventFactory,
    ContactFactory,
    ContactImportFactory,
    ContactListFactory,
    ErasureFactory,
    FrequencyCapFactory,
    HealthChangeFactory,
    InboundFactory,
    MessageFactory,
    RouteFactory,
    SenderFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)
from tests.reminder_factories import (
    CalendarFeedFactory,
    PlanFactory,
    ReminderFactory,
    ReminderRuleFactory,
    StaffTaskFactory,
)
from tests.webhook_factories import WebhookFactory


@dataclass(frozen=True, slots=True)
class World:
    """Ids by the first part of their address."""

    ids: dict[str, Any]

    def of(self, path: str) -> Any:
        """The id of what `/api/v1/<this>/{id}` is about; None where there are no ids."""
        return self.ids.get(path.split("/")[3])

    def fitted(self, body: Any) -> Any:
        """The body with the ids of what there is, where it names something by id."""
        named = {
            "template": "templates",
            "contact": "contacts",
            "sender": "senders",
            "include": "lists",
            "exclude": "lists",
            "add": "contacts",
            "list": "lists",
            "provider": "providers",
            "rule": "reminder-rules",
            "senders": "senders",
        }
        if isinstance(body, dict):
            return {
                name: self._instead(value, named[name]) if name in named else self.fitted(value)
                for name, value in body.items()
            }
        return [self.fitted(one) for one in body] if isinstance(body, list) else body

    def _instead(self, value: Any, kind: str) -> Any:
        if isinstance(value, list):
            return [self.ids[kind]] if value else []
        # What is named by a word is there under it.
        return value if value is None or isinstance(value, str) else self.ids[kind]


def make_world() -> World:
    provider = HealthChangeFactory(provider__name="Twilio", provider__adapter="twilio").provider
    return World(
        {
            "contacts": ContactFactory(time_zone="Europe/Berlin").pk,
            "lists": ContactListFactory().pk,
            "imports": ContactImportFactory(header=["Mobile", "Name"]).pk,
            "suppressions": SuppressionFactory().pk,
            "consents": ConsentEventFactory().pk,
            "erasures": ErasureFactory().pk,
            "senders": SenderFactory(is_default=True).pk,
            "templates": TemplateVersionFactory(body="Your code is {{ code }}.").template_id,
            "campaigns": CampaignFactory().pk,
            "messages": str(MessageFactory().pk),
            "appointments": ReminderFactory().appointment_id,
            "reminder-rules": ReminderRuleFactory().pk,
            "plans": PlanFactory().pk,
            "tasks": StaffTaskFactory().pk,
            "calendar-feeds": CalendarFeedFactory().pk,
            "routes": RouteFactory().pk,
            "providers": provider.pk,
            "country-limits": CountryLimit.objects.create(provider=provider, country="IT", rate=5).pk,
            "allowed-hours": AllowedHoursFactory().pk,
            "frequency-caps": FrequencyCapFactory().pk,
            "keywords": KeywordFactory().pk,
            "confirmation-texts": ConfirmationTextFactory().pk,
            "answer-rules": AnswerRuleFactory().pk,
            "automatic-replies": AutoReplyFactory().pk,
            "canned-replies": CannedReplyFactory().pk,
            "keys": ApiKeyFactory().pk,
            "inbound": str(InboundFactory().pk),
            "conversations": ConversationFactory().pk,
            "webhooks": WebhookFactory().pk,
        }
    )
