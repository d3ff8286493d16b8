from campaigns.admin import campaigns, messages, texts

__all__ = ["campaigns", "messages", "texts"]
