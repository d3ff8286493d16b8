from contacts.admin import imports, people, suppressions

__all__ = ["imports", "people", "suppressions"]
