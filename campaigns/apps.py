from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns import signals, webhooks  # guards registers its receivers itself

        signals.campaign_changed.connect(webhooks.campaign_changed, dispatch_uid="webhooks")
        signals.appointments_changed.connect(webhooks.appointments_changed, dispatch_uid="webhooks")
