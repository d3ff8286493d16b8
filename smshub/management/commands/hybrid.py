"""`manage.py hybrid`: messages go by the operator's own account, and by a cloud provider when that is down or full."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts.importing.values import country_code
from delivery.lanes import Lane
from delivery.models import Sender
from delivery.routing import hybrid

LANES = {lane.name.lower(): lane for lane in Lane}


class Command(BaseCommand):
    help = "Make routes that lead by one sender first, and by another one while that is down, full or slow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--local", required=True, metavar="SENDER", help="the first choice: its id, or PROVIDER:ADDRESS"
        )
        parser.add_argument(
            "--cloud", required=True, metavar="SENDER", help="what stands in for it, written the same way"
        )
        parser.add_argument("--country", default="", help="two letters; without: any")
        parser.add_argument("--lane", choices=sorted(LANES), help="without: any")

    def handle(self, *args: Any, local: str, cloud: str, country: str, lane: str | None, **options: Any) -> None:
        code = country_code(country) if country else ""
        if code is None:
            raise CommandError(f"There is no country “{country}”; write two letters, such as GB.")
        try:
            made = hybrid.set_up(
                local=_sender(local), cloud=_sender(cloud), country=code, lane=LANES[lane] if lane else None
            )
        except hybrid.NotHybrid as error:
            raise CommandError(str(error)) from None
        for route in made:
            self.stdout.write(f"Tier {route.order}: {route}")
        for other in hybrid.others(made):
            self.stdout.write(f"It counts beside them, in tier {other.order}: {other}")


def _sender(written: str) -> Sender:
    senders = Sender.objects.select_related("provider").order_by("pk")
    provider, _, address = written.partition(":")
    named = {"pk": int(written)} if written.isdecimal() else {"provider__name": provider, "address": address}
    found = senders.filter(**named).first()
    if found is None:
        there = ", ".join(f"{each.pk} ({each.provider.name}:{each.address})" for each in senders[:20])
        raise CommandError(f"There is no sender “{written}”; there are: {there or 'none'}.")
    return found
