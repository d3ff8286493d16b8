"""Who gets what, when: templates, campaigns and their audiences; appointments and the reminders of them."""

from campaigns.models.appointments import Appointment, Plan, StaffTask
from campaigns.models.approvals import Approval
from campaigns.models.campaigns import (
    MAX_HOLD_OUT,
    MAX_SPREAD_MINUTES,
    MAX_VARIANTS,
    AudienceChunk,
    AudienceEntry,
    Campaign,
    CampaignEvent,
    Template,
    TemplateVersion,
    Variant,
)
from campaigns.models.conversations import (
    AnswerRule,
    AutoReply,
    CannedReply,
    Conversation,
    ConversationReply,
)
from campaigns.models.feeds import AppointmentFile, CalendarFeed
from campaigns.models.links import CampaignReport, Link, LinkedMessage, Visit
from campaigns.models.reminders import Reminder, ReminderRule

__all__ = [
    "MAX_HOLD_OUT",
    "MAX_SPREAD_MINUTES",
    "MAX_VARIANTS",
    "AnswerRule",
    "Appointment",
    "AppointmentFile",
    "Approval",
    "AudienceChunk",
    "AudienceEntry",
    "AutoReply",
    "CalendarFeed",
    "Campaign",
    "CampaignEvent",
    "CampaignReport",
    "CannedReply",
    "Conversation",
    "ConversationReply",
    "Link",
    "LinkedMessage",
    "Plan",
    "Reminder",
    "ReminderRule",
    "StaffTask",
    "Template",
    "TemplateVersion",
    "Variant",
    "Visit",
]
