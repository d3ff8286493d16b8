from delivery.admin import keywords, messages, providers, routes, senders, timerules, webhooks

__all__ = ["keywords", "messages", "providers", "routes", "senders", "timerules", "webhooks"]
