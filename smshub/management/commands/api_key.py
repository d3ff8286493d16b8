"""`manage.py api_key`: give a key a new secret, or end it."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smshub.api import keys
from smshub.api.models import ApiKey


class Command(BaseCommand):
    help = "Give an API key a new secret, which is printed once, or revoke it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["rotate", "revoke"])
        parser.add_argument("prefix", help="the ten characters after smshub_live_ or smshub_test_")
        parser.add_argument(
            "--hours", type=float, default=24.0, help="how long the old secret stays good after rotate (24)"
        )

    def handle(self, *args: Any, action: str, prefix: str, hours: float, **options: Any) -> None:
        key = ApiKey.objects.filter(prefix=prefix).first()
        if key is None:
            raise CommandError("No key has this prefix.")
        if action == "revoke":
            keys.revoke(key)
            self.stdout.write(f"{key.name} is revoked.")
            return
        try:
            self.stdout.write(keys.rotate(key, overlap=timedelta(hours=hours)))
        except keys.KeyRevoked:
            raise CommandError(f"{key.name} is revoked; make a new key instead.") from None
        except (ValueError, OverflowError) as error:
            raise CommandError(str(error)) from None
