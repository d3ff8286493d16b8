from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


class DeliveryConfig(AppConfig):
    name = "delivery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_migrate, post_save

        from contacts.signals import contacts_leaving, suppression_changed
        from delivery import written
        from delivery.models import AllowedHours
        from delivery.months import after_migrate
        from delivery.signals import text_received
        from delivery.webhooks import receivers

        post_migrate.connect(after_migrate, sender=self)
        for signal in (post_save, post_delete):
            signal.connect(_hours_changed, sender=AllowedHours)
        text_received.connect(receivers.text_received, dispatch_uid="webhooks")
        suppression_changed.connect(receivers.suppression_changed, dispatch_uid="webhooks")
        contacts_leaving.connect(written.on_leaving, dispatch_uid="delivery")
        checks.register(_policy_makes_sense, "delivery")


def _hours_changed(**_: Any) -> None:
    from delivery.timerules import places

    places.judge_all()


def _policy_makes_sense(**_: Any) -> list[checks.CheckMessage]:
    from delivery import in_doubt
    from delivery.timerules import bound

    try:
        in_doubt.policy()
        bound.lanes()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="delivery.E001")]
    return []
