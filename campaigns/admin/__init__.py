from campaigns.admin import answers, appointments, campaigns, conversations, feeds, files, messages, reminders, texts

__all__ = [
    "answers",
    "appointments",
    "campaigns",
    "conversations",
    "feeds",
    "files",
    "messages",
    "reminders",
    "texts",
]
