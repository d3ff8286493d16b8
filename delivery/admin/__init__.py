from delivery.admin import keywords, messages, providers, routes, senders, timerules

__all__ = ["keywords", "messages", "providers", "routes", "senders", "timerules"]
