from delivery.admin import messages, providers, routes, senders

__all__ = ["messages", "providers", "routes", "senders"]
