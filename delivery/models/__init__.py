"""How a message gets there and what became of it."""

from delivery.models.accounts import TEST_PROVIDER, CountryLimit, Price, Provider, Sender
from delivery.models.campaigns import CampaignHold, CampaignLimit, Tally
from delivery.models.keywords import Confirmation, ConfirmationText, Keyword
from delivery.models.messages import EVENT_ORDER, Attempt, Inbound, InboxReceipt, Message, MessageEvent, MessagePart
from delivery.models.months import Month, MonthSummary
from delivery.models.reactions import Reaction, ReactionTally
from delivery.models.requests import MessageRequest
from delivery.models.routes import HealthChange, HealthCount, ProviderHealth, Route
from delivery.models.submissions import Submission, Word
from delivery.models.timerules import AllowedHours, FrequencyCap, Place, Reached
from delivery.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "EVENT_ORDER",
    "TEST_PROVIDER",
    "AllowedHours",
    "Attempt",
    "CampaignHold",
    "CampaignLimit",
    "Confirmation",
    "ConfirmationText",
    "CountryLimit",
    "FrequencyCap",
    "HealthChange",
    "HealthCount",
    "Inbound",
    "InboxReceipt",
    "Keyword",
    "Message",
    "MessageEvent",
    "MessagePart",
    "MessageRequest",
    "Month",
    "MonthSummary",
    "Place",
    "Price",
    "Provider",
    "ProviderHealth",
    "Reached",
    "Reaction",
    "ReactionTally",
    "Route",
    "Sender",
    "Submission",
    "Tally",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Word",
]
