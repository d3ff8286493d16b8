from django.apps import AppConfig


class SmshubConfig(AppConfig):
    name = "smshub"
    verbose_name = "SMSHub"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from smshub.roles import after_migrate

        # The last app of the list, so that the permissions of all others are there by then.
        post_migrate.connect(after_migrate, sender=self)
