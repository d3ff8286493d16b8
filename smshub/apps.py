from django.apps import AppConfig, apps


class SmshubConfig(AppConfig):
    name = "smshub"
    verbose_name = "SMSHub"

    def import_models(self) -> None:
        super().import_models()  # the last of all apps'

        from smshub import names

        names.translate()

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from delivery.signals import text_received
        from smshub.audit import triggers
        from smshub.roles import after_migrate
        from smshub.smpp_door.logins import owe_text
        from smshub.twilio_door.logins import owe_text as owe_text_to_twilio_logins

        # Django tells only apps with models, one after the other; by the last of them all permissions are there.
        last = [config for config in apps.get_app_configs() if config.models_module][-1]
        post_migrate.connect(after_migrate, sender=last)
        post_migrate.connect(triggers.after_migrate, sender=last, dispatch_uid="audit")
        text_received.connect(lambda inbound, **_: owe_text(inbound), weak=False, dispatch_uid="smpp_door")
        text_received.connect(
            lambda inbound, **_: owe_text_to_twilio_logins(inbound), weak=False, dispatch_uid="twilio_door"
        )
