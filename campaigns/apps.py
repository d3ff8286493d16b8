from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns import guards  # noqa: F401  (registers its receivers)
        from campaigns.replies import note
        from delivery.signals import text_received

        text_received.connect(lambda inbound, **_: note(inbound), weak=False, dispatch_uid="replies")
