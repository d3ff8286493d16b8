from delivery.admin import messages, providers, routes

__all__ = ["messages", "providers", "routes"]
