from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ContactsConfig(AppConfig):
    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contacts import kinds

        try:
            kinds.read(settings.REFUSED_NUMBER_KINDS)
        except ValueError as error:
            raise ImproperlyConfigured(f"REFUSED_NUMBER_KINDS: {error}.") from None
