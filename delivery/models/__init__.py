"""How a message gets there and what became of it."""

from delivery.models.accounts import CountryLimit, Price, Provider, Sender
from delivery.models.campaigns import CampaignHold, CampaignLimit, Tally
from delivery.models.messages import EVENT_ORDER, Attempt, Inbound, InboxReceipt, Message, MessageEvent, MessagePart
from delivery.models.months import Month, MonthSummary
from delivery.models.routes import HealthChange, HealthCount, ProviderHealth, Route
from delivery.models.submissions import Submission, Word

__all__ = [
    "EVENT_ORDER",
    "Attempt",
    "CampaignHold",
    "CampaignLimit",
    "CountryLimit",
    "HealthChange",
    "HealthCount",
    "Inbound",
    "InboxReceipt",
    "Message",
    "MessageEvent",
    "MessagePart",
    "Month",
    "MonthSummary",
    "Price",
    "Provider",
    "ProviderHealth",
    "Route",
    "Sender",
    "Submission",
    "Tally",
    "Word",
]
