from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


class DeliveryConfig(AppConfig):
    name = "delivery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from delivery.months import after_migrate

        post_migrate.connect(after_migrate, sender=self)
        checks.register(_policy_makes_sense, "delivery")


def _policy_makes_sense(**_: Any) -> list[checks.CheckMessage]:
    from delivery import in_doubt

    try:
        in_doubt.policy()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="delivery.E001")]
    return []
