"""How soon an alert is with the carrier while a large campaign uses up the rate limit.

    make bench ARGS="alerts --messages 200000"

A campaign is launched that the provider's rate alone keeps busy for longer than the run. When all of its messages are
queued, another system posts alerts through the API, over HTTP and with a key, at an even pace. Measured is the time
from the 201 to the moment that the carrier's ledger says it has accepted the text, which is after its latency. With
`--late` some of the carrier's answers, not its acceptance, take ten seconds. Ends with status 1 if an alert is missing
or twice in the ledger, or if the 99th percentile is above 500 ms.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks import report, scenes
from benchmarks.hub import Hub, hub, wait_for
from benchmarks.sending import warm_up
from benchmarks.servers import Servers
from campaigns import launch
from campaigns.models import Campaign
from delivery.models import Message, Provider
from delivery.states import Status
from smshub.api import keys

WANTED_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sent:
    phone: str
    asked: float
    answered: float
    """Unix time of the 201."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=20_000, help="of the campaign")
    parser.add_argument("--alerts", type=int, default=300)
    parser.add_argument("--per-second", type=float, default=5.0, help="alerts")
    parser.add_argument("--rate", type=int, default=150, help="of the provider, segments per second")
    parser.add_argument("--latency", type=float, default=80, help="of the carrier's answers, ms")
    parser.add_argument("--late", type=float, default=0, help="share of the carrier's answers that take ten seconds")
    parser.add_argument("--dispatchers", type=int, default=1, help="dispatch processes")
    parser.add_argument("--in-flight", type=int, default=50, help="requests open at once, over all processes")


def run(servers: Servers, options: argparse.Namespace) -> int:
    with hub(servers, dispatchers=options.dispatchers) as running:
        running.carrier.set_faults(latency_ms=options.latency, late_share=options.late, late_seconds=10.0)
        by = scenes.sender(carrier_url=running.carrier_url, max_in_flight=options.in_flight)
        warm_up(running, by)
        Provider.objects.update(rate=options.rate)
        campaign = scenes.campaign(scenes.people(options.messages), by)
        launch.launch(campaign=campaign, actor=None)
        wait_for(
            lambda: Campaign.objects.filter(pk=campaign.pk, materialised_at__isnull=False).exists(),
            seconds=60 + options.messages / 1000,
            what="the campaign's messages",
        )
        before = running.carrier.summary()["segments"]
        began = time.time()
        sent = post(running, options.alerts, options.per_second)
        took = time.time() - began
        used = (running.carrier.summary()["segments"] - before) / (took * options.rate)
        accepted = arrivals(running, sent)
        waiting = Message.objects.filter(campaign_id=campaign.pk, status=Status.QUEUED).count()
    waits = sorted(accepted[alert.phone] - alert.answered for alert in sent if alert.phone in accepted)
    answers = sorted(alert.answered - alert.asked for alert in sent)
    title = f"{options.alerts} alerts beside {options.messages:,} messages at {options.rate}/s"
    rows = [["from the 201 to the carrier", *percentiles(waits)], ["the API's answer", *percentiles(answers)]]
    table = report.table(["ms", "p50", "p95", "p99", "max"], rows)
    report.say(title, table, f"{used:.0%} of the limit used meanwhile; {waiting:,} of the campaign still queued.")
    if len(waits) < options.alerts or not waiting:
        print(f"{len(waits)} of {options.alerts} alerts arrived; {waiting} messages waited.", file=sys.stderr)
        return 1
    return int(at(waits, 0.99) > WANTED_SECONDS)


def post(running: Hub, alerts: int, per_second: float) -> list[Sent]:
    """Post them at an even pace, whether the last is answered or not."""
    _, key = keys.issue(name="Alarm system", scopes=["messages:*"], actor=None)
    began = time.time()

    def one(number: int) -> Sent:
        time.sleep(max(0.0, began + number / per_second - time.time()))
        phone = f"+1650{5_000_000 + number}"
        body = {"to": phone, "body": f"Your code is {number:06}.", "lane": "alert"}
        request = Request(
            f"{running.url}/api/v1/messages",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        asked = time.time()
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            answer.read()
        return Sent(phone, asked, time.time())

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(alerts)))


def arrivals(running: Hub, sent: list[Sent]) -> dict[str, float]:
    """When the carrier accepted each, by number. Raises SystemExit if one is there twice."""
    wait_for(lambda: running.carrier.ledger(to=sent[-1].phone), seconds=30, what="the last alert")
    found: dict[str, float] = {}
    for alert in sent:
        entries = running.carrier.ledger(to=alert.phone)
        if len(entries) > 1:
            raise SystemExit("An alert was texted twice.")
        if entries:
            found[alert.phone] = entries[0]["created"]
    return found


def percentiles(seconds: list[float]) -> list[str]:
    return [f"{1000 * at(seconds, share):.0f}" for share in (0.5, 0.95, 0.99, 1.0)]


def at(seconds: list[float], share: float) -> float:
    """The value that so large a share does not exceed."""
    return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else float("inf")
