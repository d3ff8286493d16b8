"""How a message gets there and what became of it."""

from delivery.models.accounts import CountryLimit, Price, Provider, Sender
from delivery.models.campaigns import CampaignHold, CampaignLimit, Tally
from delivery.models.messages import EVENT_ORDER, Attempt, Inbound, InboxReceipt, Message, MessageEvent, MessagePart
from delivery.models.months import Month, MonthSummary
from delivery.models.reactions import Reaction, ReactionTally
from delivery.models.routes import HealthChange, HealthCount, ProviderHealth, Route
from delivery.models.submissions import Submission, Word
from delivery.models.timerules import AllowedHours, FrequencyCap, Place, Reached

__all__ = [
    "EVENT_ORDER",
    "AllowedHours",
    "Attempt",
    "CampaignHold",
    "CampaignLimit",
    "CountryLimit",
    "FrequencyCap",
    "HealthChange",
    "HealthCount",
    "Inbound",
    "InboxReceipt",
    "Message",
    "MessageEvent",
    "MessagePart",
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
    "Word",
]
