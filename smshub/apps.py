from django.apps import AppConfig


class SmshubConfig(AppConfig):
    name = "smshub"
    verbose_name = "SMSHub"
