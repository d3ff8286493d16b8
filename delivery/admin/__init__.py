from delivery.admin import messages, providers, routes, senders, timerules

__all__ = ["messages", "providers", "routes", "senders", "timerules"]
