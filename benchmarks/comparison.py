"""The hub beside the usual design, doing the same work on the same machine in the same run.

    make bench ARGS="comparison --messages 2000 --hub-messages 20000 --concurrency 4 8"

The usual design (`benchmarks/usual_design/`) is a Celery task per message, and one per receipt. Both get the same
durable Postgres, the same broker and the same simulated carrier, started anew for each; both are timed from the
launch until the last of three receipts per message is applied. The better `--concurrency` of the usual design's
worker counts. What is compared is messages per second, so the hub may send more of them.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from time import monotonic

import redis
from django.conf import settings
from django.db import connection

from benchmarks import end_to_end, report
from benchmarks.hub import Hub, hub, wait_for, worker_answers
from benchmarks.sending import PATIENCE
from benchmarks.servers import Servers
from benchmarks.usage import used
from smshub.quickstart.commands import node_name
from smshub.quickstart.processes import answers_http

USUAL = "benchmarks.usual_design"


@dataclass(frozen=True, slots=True)
class Result:
    design: str
    messages: int
    seconds: float
    cpu: float
    """Seconds of all processes but the carrier."""
    agrees: bool

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=500, help="by the usual design")
    parser.add_argument("--hub-messages", type=int, default=5000, help="by the hub")
    parser.add_argument("--latency", type=float, nargs="+", default=[80], help="of the carrier's answers, ms")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[4, 8], help="of the usual design's worker")
    parser.add_argument("--dispatchers", type=int, default=1, help="dispatch processes of the hub")
    parser.add_argument("--in-flight", type=int, default=300, help="requests open at once, per dispatch process")


def run(servers: Servers, options: argparse.Namespace) -> int:
    rows, agree = [], True
    for latency in options.latency:
        usual = [_usual(servers, options.messages, latency, concurrency) for concurrency in options.concurrency]
        ours = _ours(servers, options, latency)
        best = max(usual, key=lambda result: result.rate)
        agree = agree and all(result.agrees for result in (ours, *usual))
        for result in (*usual, ours):
            times = f"**{ours.rate / best.rate:.1f}**" if result is ours else f"{result.rate / best.rate:.1f}"
            cpu = f"{result.cpu / result.messages * 1000:.2f}"
            shown = [f"{result.messages:,}", f"{result.rate:,.0f}", cpu, times]
            rows.append([f"{result.design}, {latency:g} ms", *shown, "agrees" if result.agrees else "differs"])
    headings = ["Design, carrier", "messages", "messages/s", "CPU, ms per message", "times the best usual", "ledger"]
    report.say("Beside the usual design", report.table(headings, rows))
    return int(not agree)


def _ours(servers: Servers, options: argparse.Namespace, latency: float) -> Result:
    sent = end_to_end.measure(servers, options.hub_messages, latency, options.dispatchers, options.in_flight)
    for disagreement in sent.disagreements:
        print(disagreement, file=sys.stderr)
    cpu = sum(part.cpu for name, part in sent.used.items() if name != "simulator")
    return Result("SMSHub", sent.messages, sent.settled, cpu, not sent.disagreements)


def _usual(servers: Servers, size: int, latency: float, concurrency: int) -> Result:
    with hub(servers, ("simulator",), migrated=False) as running:
        running.carrier.set_faults(latency_ms=latency)
        environment = _start(running, concurrency)
        # To warm up: every process has loaded its modules and made its connections.
        _send(environment, running, 10 * concurrency)
        before = used(running.pids)
        seconds = _send(environment, running, size)
        cpu = sum(part.cpu - before[name].cpu for name, part in used(running.pids).items() if name != "simulator")
        summary = running.carrier.summary()
        agrees = summary["accepted"] == size + 10 * concurrency == _delivered()
        return Result(f"Task per message, {concurrency} processes", size, seconds, cpu, agrees)


def _start(running: Hub, concurrency: int) -> dict[str, str]:
    """The usual design's own processes around the carrier that runs; returns their environment."""
    environment = {
        "DJANGO_SETTINGS_MODULE": f"{USUAL}.settings",
        "PUBLIC_URL": running.url,
        "CARRIER_URL": running.carrier_url,
    }
    migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(migrate, env=os.environ | environment, check=True)
    web = [sys.executable, "-m", "uvicorn", f"{USUAL}.wsgi:application", "--interface", "wsgi", "--no-access-log"]
    web += ["--host", "127.0.0.1", "--port", str(running.web_port)]
    running.run("usual-web", web, rank=0, healthy=answers_http(running.url), environment=environment)
    worker = [sys.executable, "-m", "celery", "-A", USUAL, "worker", "-n", "usual@%h", "-c", str(concurrency)]
    node = node_name("worker").replace("worker", "usual")
    running.run(
        "usual-worker",
        [*worker, "-l", "WARNING"],
        healthy=lambda _pid: worker_answers(node),
        environment=environment,
    )
    running.wait_healthy()
    return environment


def _send(environment: dict[str, str], running: Hub, size: int) -> float:
    """Launch so many and wait; seconds until the last receipt was applied."""
    wanted = _delivered() + size
    launch = [sys.executable, "-m", f"{USUAL}.launch", str(size)]
    launched = subprocess.run(launch, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: _delivered() == wanted, seconds=60 + size * PATIENCE, what="the last final status")
    wait_for(lambda: _is_quiet(running), seconds=60, what="the last receipt")
    # Python's monotonic clock is the machine's, the same in every process.
    return monotonic() - float(launched.stdout)


def _delivered() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usual_text WHERE status = 'delivered'")
        (delivered,) = cursor.fetchone()
    return int(delivered)


def _is_quiet(running: Hub) -> bool:
    """No receipt is under way or waits in the broker, taken by a worker or not."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        prefix = settings.REDIS_PREFIX
        waiting = client.llen(f"{prefix}celery") + client.hlen(f"{prefix}unacked")
    return not waiting and not running.carrier.stats()["callbacks_pending"]
