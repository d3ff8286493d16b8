from campaigns.admin import answers, appointments, campaigns, conversations, messages, reminders, texts

__all__ = ["answers", "appointments", "campaigns", "conversations", "messages", "reminders", "texts"]
