"""The pages that people keep open, with a full house: server time and reads of each.

    make bench ARGS="pages --messages 1000000 --campaigns 300"

The time is that of the whole request in this process, middleware and template with it, without a network; of so many
looks the middle one and the slowest. Ends with status 1 if the middle one of any takes longer than what is promised.
"""

import argparse
import statistics
import time
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import report, years
from benchmarks.servers import Servers, fresh_database
from campaigns.models import Campaign
from delivery import tallies, vitals
from delivery.models import HealthCount, Provider, Sender
from smshub.quickstart.commands import COMMANDS, WORKERS

#: Server time of a page, in milliseconds.
PROMISED = 300.0
PROVIDERS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--looks", type=int, default=15)


def run(_servers: Servers, options: argparse.Namespace) -> int:
    with fresh_database():
        made = years.make(options.messages, options.months)
        _fill_the_house(made.big, options.campaigns)
        client = Client(headers={"host": "localhost"})
        client.force_login(User.objects.create_superuser("looker"), backend="django.contrib.auth.backends.ModelBackend")
        campaign = f"/admin/campaigns/campaign/{made.big.pk}"
        pages = {
            "home, whole": "/admin/",
            "home, what is now": "/admin/live/",
            "home, today": "/admin/live/today/",
            "campaign under way, whole": f"{campaign}/live/",
            "campaign, progress": f"{campaign}/progress/",
            "campaign, ways": f"{campaign}/ways/",
            "campaigns": "/admin/campaigns/campaign/",
        }
        rows, slow = [], False
        for name, page in pages.items():
            reads, middle, slowest = _look(client, page, options.looks)
            slow = slow or middle > PROMISED
            rows.append([name, str(reads), f"{middle:.0f}", f"{slowest:.0f}"])
    headings = ["Page", "reads", "middle, ms", "slowest, ms"]
    report.say(
        f"Pages with {options.messages:,} messages and {options.campaigns} campaigns", report.table(headings, rows)
    )
    return int(slow)


def _look(client: Client, page: str, looks: int) -> tuple[int, float, float]:
    with CaptureQueriesContext(connection) as captured:
        client.get(page)
    reads = len(captured)
    times = []
    for _ in range(looks):
        begin = time.perf_counter()
        answer = client.get(page)
        times.append(1000 * (time.perf_counter() - begin))
        if answer.status_code != 200:
            raise RuntimeError(f"{page} answered {answer.status_code}.")
    return reads, statistics.median(times), max(times)


def _fill_the_house(like: Campaign, number: int) -> None:
    """Campaigns of today with tallies, a day of counts of several providers, and workers that are up."""
    now = timezone.now()
    fields = {"template": like.template, "sender": like.sender, "launched_at": now, "audience_size": 10_000}
    Campaign.objects.bulk_create(
        Campaign(
            name=f"Of today {n}",
            status=Campaign.Status.RUNNING if n % 10 == 0 else Campaign.Status.COMPLETED,
            max_segments=20_000,
            **fields,
        )
        for n in range(number)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO delivery_tally (campaign_id, provider_id, status, reason, messages, segments, cost)
               SELECT id, 1 + n % 3, (ARRAY['delivered', 'failed', 'undelivered', 'suppressed'])[1 + n % 4],
                   (ARRAY['', 'landline', 'unreachable', 'opted_out'])[1 + n % 4], 100, 100, 1
               FROM campaigns_campaign, generate_series(1, 40) AS n WHERE name LIKE 'Of today%'"""
        )
    providers = [Provider.objects.create(name=f"Provider {n}", adapter="console") for n in range(PROVIDERS - 1)]
    for provider in providers:
        Sender.objects.create(provider=provider, address=f"+1555{provider.pk:06}")
    HealthCount.objects.bulk_create(
        (
            HealthCount(provider_id=pk, at=now - timedelta(seconds=5 * n), attempts=500, taken=490, heard=480)
            for pk in [like.sender.provider_id if like.sender else 0, *(provider.pk for provider in providers)]
            for n in range(86_400 // 5)
        ),
        batch_size=5000,
    )
    tallies.squash()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE delivery_healthcount, delivery_tally, campaigns_campaign")
    for worker in WORKERS:
        vitals.alive(worker, COMMANDS[worker][COMMANDS[worker].index("-Q") + 1].split(","))
