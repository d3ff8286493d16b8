from campaigns.admin import (
    answers,
    appointments,
    campaigns,
    conversations,
    feeds,
    files,
    messages,
    people,
    reminders,
    texts,
)

__all__ = [
    "answers",
    "appointments",
    "campaigns",
    "conversations",
    "feeds",
    "files",
    "messages",
    "people",
    "reminders",
    "texts",
]
