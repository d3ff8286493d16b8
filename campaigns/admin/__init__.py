from campaigns.admin import campaigns, texts

__all__ = ["campaigns", "texts"]
