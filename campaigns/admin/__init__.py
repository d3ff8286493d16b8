from campaigns.admin import appointments, campaigns, messages, reminders, texts

__all__ = ["appointments", "campaigns", "messages", "reminders", "texts"]
