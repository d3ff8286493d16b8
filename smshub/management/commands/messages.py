"""`manage.py messages`: bring the translations up to date with the code, and say what is still to be translated."""

from typing import Any

from django.core.management.base import BaseCommand

from smshub import catalogue


class Command(BaseCommand):
    help = "Find every text that staff read, merge it into smshub/locale, compile, and list what has no translation."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for language in catalogue.languages():
            catalog = catalogue.write(language)
            missing = catalogue.untranslated(catalog)
            for text in missing:
                self.stdout.write(f"{language}: {text}")
            self.stdout.write(f"{language}: {len(catalog)} texts, {len(missing)} to be translated")
