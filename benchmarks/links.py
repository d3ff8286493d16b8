"""Short links and the report: redirects by one core, what links add to the launch, and the report of a large campaign.

    make bench ARGS="links --visits 20000 --rows 20000 --messages 1000000"

- redirects: visits by a client on the other cores, each of another contact; answered after their commit.
- texts: rendering and measuring a thousand texts with and without a link, and materialising an audience with both.
- report: a campaign of so many messages, a tenth of them with a click; counted by the task, and its pages opened by
  somebody of the staff, with the queries that each takes.
"""

import argparse
import asyncio
import os
import time
from datetime import timedelta
from itertools import islice

import uvloop
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import report, scenes, years
from benchmarks.alone import Figures, alone, seconds
from benchmarks.hub import hub
from benchmarks.servers import Servers, fresh_database
from benchmarks.usage import pin, used
from campaigns import launch, materialise
from campaigns.links import addresses
from campaigns.links.texts import NONE, Links
from campaigns.models import Campaign, CampaignReport, Link, TemplateVersion
from campaigns.report import counting, export
from campaigns.report.people import Chosen
from delivery.models import Message
from delivery.states import Status

TARGET = "https://www.example.org/offer"
BROWSER = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/128.0.0.0 Mobile Safari/537.36"
WARM_UP = 500
PARTS = ("redirects", "texts", "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visits", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rows", type=int, default=10_000, help="contacts to materialise")
    parser.add_argument("--messages", type=int, default=100_000, help="of the campaign that is reported on")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)


def run(servers: Servers, options: argparse.Namespace) -> int:
    if "redirects" in options.only:
        headings = ["Link", "visits/s", "half within", "99 % within", "CPU per visit"]
        report.say("Redirects by one core", report.table(headings, _redirects(servers, options)))
    if "texts" in options.only:
        report.say("What a link adds to a text", report.table(["", "without", "with"], _texts(options.rows)))
    if "report" in options.only:
        headings = ["Of a campaign", "time", "queries"]
        report.say(f"The report of {options.messages:,} messages", report.table(headings, _report(options.messages)))
    return 0


# --- redirects ------------------------------------------------------------------------------------------------------


def _redirects(servers: Servers, options: argparse.Namespace) -> list[list[str]]:
    rows = []
    with hub(servers, ("web",)) as running:
        *others, own = sorted(os.sched_getaffinity(0))
        pin(running.processes.pid("web"), [own])
        for pid in running.servers.values():
            pin(pid, others or [own])
        everyone = scenes.people(options.visits + WARM_UP)
        campaign = scenes.campaign(everyone, scenes.sender())
        Campaign.objects.update(status=Campaign.Status.RUNNING, launched_at=timezone.now())
        for name, target in (("static", TARGET), ("with a variable", f"{TARGET}?ref={{{{ number }}}}")):
            link = Link.objects.create(campaign=campaign, name=name[:4], target=target)
            figures: Figures = {}
            for size in (WARM_UP, options.visits):
                before = used({"web": running.processes.pid("web")})["web"].cpu
                figures = alone(load, url=running.url, link=link.pk, size=size, connections=options.connections)
                figures["web"] = used({"web": running.processes.pid("web")})["web"].cpu - before
            rows.append(
                [
                    name,
                    f"{figures['rate']:,.0f}",
                    *(f"{figures[share] * 1000:.0f} ms" for share in ("half", "most")),
                    f"{figures['web'] / options.visits * 1e6:.0f} µs",
                ]
            )
        for pid in servers.pids.values():
            pin(pid, sorted(os.sched_getaffinity(0)))
    return rows


def load(url: str, link: int, size: int, connections: int) -> Figures:
    """In a process of its own: follow so many links as fast as they are answered."""
    *others, own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [own])
    return uvloop.run(_load(url, link, size, connections))


async def _load(url: str, link: int, size: int, connections: int) -> Figures:
    host, _, port = url.rpartition("/")[2].partition(":")
    contacts = iter(range(1, size + 1))
    requests = [_request(link, contact, host) for contact in contacts]
    took: list[float] = []
    waiting = iter(requests)

    async def visitor() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            took.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 302"):
                raise SystemExit(f"A link was answered {head[:30]!r}.")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(visitor() for _ in range(connections)))
    rate = size / (time.perf_counter() - began)
    took.sort()
    return {"rate": rate, "half": took[len(took) // 2], "most": took[len(took) * 99 // 100]}


def _request(link: int, contact: int, host: str) -> bytes:
    path = addresses.PREFIX + addresses.url(link, contact).partition(addresses.PREFIX)[2]
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n\r\n".encode()


# --- texts ----------------------------------------------------------------------------------------------------------


def _texts(size: int) -> list[list[str]]:
    plain, linked = _rendered(False), _rendered(True)
    rows = [["a text, rendered", f"{plain:.0f} µs", f"{linked:.0f} µs"]]
    rates = []
    for with_link in (False, True):
        with fresh_database():
            rates.append(size / alone(materialised, size=size, with_link=with_link)["seconds"])
    return [*rows, ["contacts materialised a second", *(f"{rate:,.0f}" for rate in rates)]]


def _body(with_link: bool) -> str:
    return scenes.BODY + (" {{ link }}" if with_link else f" {addresses.sample()}")


def _rendered(with_link: bool) -> float:
    """Microseconds for each of some thousand texts."""
    version = TemplateVersion(body=_body(with_link), smart_encoding=True)
    text_for = materialise._renderer(version, Links({"link": 7}) if with_link else NONE)
    people = [
        materialise._Contact(n, "+14155550123", f"Person {n}", "en", "US", f'{{"number": {n}, "clinic": "Elm Street"}}')
        for n in range(5000)
    ]
    return seconds(lambda: [text_for(person) for person in people]) / len(people) * 1e6


def materialised(size: int, with_link: bool) -> Figures:
    """Seconds to write an audience's messages, whose texts have a link of their own, or all the same one."""
    campaign = scenes.campaign(scenes.people(size), scenes.sender())
    TemplateVersion.objects.update(body=_body(with_link))
    if with_link:
        Link.objects.create(campaign=campaign, target=TARGET)
    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    return {"seconds": seconds(lambda: materialise.materialise(campaign.pk, seconds=3600))}


# --- the report -----------------------------------------------------------------------------------------------------

_REACT = """
INSERT INTO delivery_reaction (message_id, source, campaign_id, link_id, kind, reason, at, first)
SELECT id, gen_random_uuid(), campaign_id, %(link)s, 'click', '', sent_at + contact_id %% 86400 * interval '1 s', true
FROM delivery_message WHERE campaign_id = %(campaign)s AND contact_id %% 10 = 0
"""
_VARY = """
UPDATE delivery_message SET country = (ARRAY['US', 'GB', 'DE', 'FR', 'CA'])[1 + contact_id %% 5],
    sent_at = sent_at + contact_id %% 3600 * interval '1 s', final_at = final_at + contact_id %% 3605 * interval '1 s',
    status = CASE WHEN contact_id %% 20 = 0 THEN 'undelivered' ELSE status END,
    reason = CASE WHEN contact_id %% 20 = 0 THEN 'unreachable' ELSE reason END
WHERE campaign_id = %(campaign)s
"""


def _report(size: int) -> list[list[str]]:
    with fresh_database():
        campaign = _filled(size)
        rows = [["counted, by the task", f"{seconds(lambda: counting.count(campaign.pk)):.2f} s", "–"]]
        staff = Client(SERVER_NAME="localhost")
        admin = get_user_model().objects.create_superuser("reader", password="reads the report")
        staff.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
        here = f"/admin/campaigns/campaign/{campaign.pk}/report"
        for name, page in (
            ("its page", f"{here}/"),
            ("50 who clicked", f"{here}/people/?step=clicked"),
            ("50 who had it delivered", f"{here}/people/?step=delivered"),
            ("of a reason that nobody has", f"{here}/people/?status=failed&reason=landline"),
            ("as PDF", f"{here}.pdf"),
        ):
            rows.append([name, *_opened(staff, page)])
        many = min(size, 100_000)
        took = seconds(lambda: sum(1 for _ in islice(export.csv_lines(campaign, Chosen(), str), many)))
        return [*rows, [f"{many:,} lines of CSV", f"{took:.1f} s", "–"]]


def _filled(size: int) -> Campaign:
    by = scenes.sender()
    at = timezone.now() - timedelta(hours=3)
    campaign = years._campaign(by, at, Campaign.Status.COMPLETED)
    Campaign.objects.update(finished_at=at + timedelta(hours=1), materialised_at=at, audience_size=size)
    link = Link.objects.create(campaign=campaign, target=TARGET)
    years._fill(by, campaign, last=size, status=Status.DELIVERED, made=at)
    with connection.cursor() as cursor:
        cursor.execute(_VARY, {"campaign": campaign.pk})
        cursor.execute(_REACT, {"campaign": campaign.pk, "link": link.pk})
        cursor.execute("VACUUM ANALYZE delivery_message, delivery_reaction")
    CampaignReport.objects.create(campaign=campaign, due_at=timezone.now())
    if Message.objects.filter(campaign_id=campaign.pk).count() != size:
        raise SystemExit("The campaign is not as large as it should be.")
    campaign.refresh_from_db()
    return campaign


def _opened(client: Client, page: str) -> list[str]:
    """The median of five, and the queries of the last."""
    times: list[float] = []
    counts: list[int] = []
    for _ in range(5):
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(page)
        times.append(time.perf_counter() - began)
        counts.append(len(queries))
        if answer.status_code != 200:
            raise SystemExit(f"{page} was answered {answer.status_code}.")
    return [f"{sorted(times)[2] * 1000:.0f} ms", f"{counts[-1]}"]
