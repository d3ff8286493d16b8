from delivery.admin import messages, providers

__all__ = ["messages", "providers"]
