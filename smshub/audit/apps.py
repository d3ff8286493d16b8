from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "smshub.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from smshub.audit import origin, sign_ins

        origin.follow_connections()
        sign_ins.follow()
