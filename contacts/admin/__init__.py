from contacts.admin import consents, imports, people, suppressions

__all__ = ["consents", "imports", "people", "suppressions"]
