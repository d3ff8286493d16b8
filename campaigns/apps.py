from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns import (
            consenting,
            guards,  # noqa: F401  (registers its receivers)
            receivers,  # noqa: F401  (the same)
            signals,
            webhooks,
        )
        from contacts.models import ConsentEvent
        from contacts.signals import consent_changed

        def on_consent(*, phones: list[str], purpose: str, scope: str, action: str, **_: object) -> None:
            if action == ConsentEvent.Action.WITHDRAWN:
                consenting.withdrawn(phones=phones, purpose=purpose, scope=scope)

        consent_changed.connect(on_consent, weak=False, dispatch_uid="campaigns")
        signals.campaign_changed.connect(webhooks.campaign_changed, dispatch_uid="webhooks")
        signals.appointments_changed.connect(webhooks.appointments_changed, dispatch_uid="webhooks")
