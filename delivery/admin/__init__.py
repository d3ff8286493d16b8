from delivery.admin import messages, providers, routes, timerules

__all__ = ["messages", "providers", "routes", "timerules"]
