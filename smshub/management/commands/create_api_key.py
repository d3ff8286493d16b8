"""`manage.py create_api_key`: a key for another system, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from smshub.api import keys


class Command(BaseCommand):
    help = "Make an API key and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        scopes = ", ".join(keys.SCOPES)
        parser.add_argument("name", help="which system uses it")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            help=f"repeat for more; 'messages:*' for both of a kind, '*' for all. There are: {scopes}",
        )
        parser.add_argument("--days", type=int, help="how long it is good for; without: until revoked")

    def handle(self, *args: Any, name: str, scope: list[str], days: int | None, **options: Any) -> None:
        if days is not None and days < 1:
            raise CommandError("--days must be at least 1.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            _, text = keys.issue(name=name, scopes=scope, actor=None, expires_at=expires_at)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(text)
