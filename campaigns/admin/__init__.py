from campaigns.admin import appointments, campaigns, feeds, files, messages, reminders, texts

__all__ = ["appointments", "campaigns", "feeds", "files", "messages", "reminders", "texts"]
