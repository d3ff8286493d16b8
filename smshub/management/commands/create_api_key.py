"""`manage.py create_api_key`: a key for another system, printed once."""

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from delivery.models import Sender
from smshub.api import keys
from smshub.api.models import ApiKey


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
        parser.add_argument(
            "--test", action="store_true", help="what it sends goes to the test carrier, to nobody else"
        )
        parser.add_argument("--sender", action="append", default=[], help="address it may send as; repeat for more")
        parser.add_argument(
            "--own-messages",
            action=BooleanOptionalAction,
            help="whether it sees only messages that it handed in; without either: unless it may also see campaigns, "
            "appointments, reminders or conversations",
        )
        parser.add_argument("--from", action="append", default=[], dest="networks", help="network it may be used from")
        parser.add_argument("--per-second", type=int, help="requests")
        parser.add_argument("--per-minute", type=int, help="requests")

    def handle(self, *args: Any, name: str, scope: list[str], **options: Any) -> None:
        for limit in ("days", "per_second", "per_minute"):
            if options[limit] is not None and options[limit] < 1:
                raise CommandError(f"--{limit.replace('_', '-')} must be at least 1.")
        try:
            _, text = keys.issue(
                name=name,
                scopes=scope,
                actor=None,
                expires_at=timezone.now() + timedelta(days=options["days"]) if options["days"] else None,
                mode=ApiKey.Mode.TEST if options["test"] else ApiKey.Mode.LIVE,
                senders=_senders(options["sender"]),
                own_messages=options["own_messages"],
                allowed_from=" ".join(options["networks"]),
                per_second=options["per_second"],
                per_minute=options["per_minute"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(text)


def _senders(addresses: Sequence[str]) -> list[Sender]:
    found = list(Sender.objects.filter(address__in=addresses))
    if missing := set(addresses) - {sender.address for sender in found}:
        raise CommandError(f"There is no sender {', '.join(sorted(missing))}.")
    return found
