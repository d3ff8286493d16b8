from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "smshub.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from smshub.accounts import sessions

        user_logged_in.connect(sessions.begin, dispatch_uid="accounts")
