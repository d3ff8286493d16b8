from delivery.admin import messages, providers, routes, senders, timerules, webhooks

__all__ = ["messages", "providers", "routes", "senders", "timerules", "webhooks"]
