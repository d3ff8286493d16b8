"""All pages of the staff, with a full house: server time and reads of each.

    make bench ARGS="pages --messages 5000000 --contacts 1000000 --campaigns 300"

The pages that people keep open come first, with what renews itself on them. The time is that of the whole request in
this process, middleware and template with it, without a network; of so many looks the middle one and the slowest. Ends
with status 1 if the middle one of any takes longer than what is promised.
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

from benchmarks import every_page, report, scenes, years
from benchmarks.servers import Servers, fresh_database
from campaigns.models import Campaign
from delivery import tallies, vitals
from delivery.models import HealthCount, Provider, Sender
from smshub.quickstart.commands import COMMANDS, WORKERS

#: Server time of a page, in milliseconds.
PROMISED = 300.0
PROVIDERS = 10

_WRITTEN = (
    """INSERT INTO campaigns_conversation (phone, provider_id, address, sender_id, contact_id, status, unread, flag,
           last_text_at, automatic_at, said, created_at)
       SELECT contact.phone, s.provider_id, s.address, s.id, contact.id, 'open', contact.id % 500 = 0, '',
           now() - contact.id * interval '1 second', '{}', '', now()
       FROM contacts_contact AS contact, (SELECT * FROM delivery_sender ORDER BY id LIMIT 1) AS s
       WHERE contact.id % 100 = 0""",
    """INSERT INTO contacts_consentevent (phone, purpose, channel, scope, action, source, at, recorded_at, wording,
           evidence, recorded_by, code)
       SELECT phone, 'marketing', 'sms', '', 'granted', 'import', now(), now(), '', '', '', '' FROM contacts_contact
       WHERE id % 100 = 0""",
    """INSERT INTO contacts_suppression (phone, scope, reason, evidence, lifted_evidence, created_at)
       SELECT phone, '', 'opted_out', '', '', now() FROM contacts_contact WHERE id % 50 = 1""",
    """INSERT INTO campaigns_appointment (source, external_id, contact_id, starts_at, time_zone, kind, attributes,
           status, time_version, created_at, updated_at)
       SELECT '', 'visit ' || id, id, now() + id % 20000 * interval '1 minute', 'America/New_York', 'visit', '{}',
           'booked', 1, now(), now()
       FROM contacts_contact WHERE id % 100 = 0""",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--looks", type=int, default=15)


def run(_servers: Servers, options: argparse.Namespace) -> int:
    with fresh_database():
        made = years.make(options.messages, options.months, timelines=False)
        _fill_the_house(made.big, options.campaigns)
        everybody = scenes.people(options.contacts)
        _let_them_write(options.contacts)
        client = Client(headers={"host": "localhost"})
        looker = User.objects.create_superuser("looker")
        client.force_login(looker, backend="django.contrib.auth.backends.ModelBackend")
        pages = {
            "home, what is now": "/admin/live/",
            "home, today": "/admin/live/today/",
            **dict(every_page.everything(looker, made.big, everybody)),
        }
        rows, slow = [], False
        for name, page in pages.items():
            reads, middle, slowest = _look(client, page, options.looks)
            slow = slow or middle > PROMISED
            rows.append([name, str(reads), f"{middle:.0f}", f"{slowest:.0f}"])
    headings = ["Page", "reads", "middle, ms", "slowest, ms"]
    report.say(
        f"Pages with {options.messages:,} messages, {options.contacts:,} contacts and {options.campaigns} campaigns",
        report.table(headings, rows),
    )
    return int(slow)


def _look(client: Client, page: str, looks: int) -> tuple[int, float, float]:
    """Reads, and the middle and slowest time in milliseconds."""
    with CaptureQueriesContext(connection) as captured:
        client.get(page, follow=True)
    reads = len(captured)
    times = []
    for _ in range(looks):
        begin = time.perf_counter()
        answer = client.get(page, follow=True)
        times.append(1000 * (time.perf_counter() - begin))
        if answer.status_code != 200:
            raise RuntimeError(f"{page} answered {answer.status_code}.")
    return reads, statistics.median(times), max(times)


def _let_them_write(people: int) -> None:
    """One in a hundred contacts has a conversation, a consent and an appointment, one in fifty is suppressed."""
    with connection.cursor() as cursor:
        for statement in _WRITTEN:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")


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
