"""Webhooks out: how fast a quick endpoint is told, and what slow, dead, flapping and redirecting ones do beside it.

    make bench ARGS="webhooks --events 20000 --seconds 40"

One courier in a process of its own, receivers in another. The first table has the quick one alone; the second has all
of them at once, each owed as many events, and says after so many seconds what each was sent and what waits for it. The
memory is the courier's, before and after. The third has what an UPDATE of 2,000 statuses takes without the triggers,
with them and nobody to tell, and with one endpoint that is owed them: in turns, the median of each.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from benchmarks import report, scenes
from benchmarks.servers import Servers, fresh_database
from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.states import Status

#: Nobody listens where the last one should be.
KINDS = ("quick beside them", "slow: 2 s", "silent", "flapping", "answers 500", "redirects to loopback", "dead")

_FILL = """
INSERT INTO delivery_webhookdelivery
    (endpoint_id, event_id, type, subject, data, at, created_at, not_before, error)
SELECT %(endpoint)s, gen_random_uuid(), 'message.' || status, md5('subject ' || n)::uuid,
       jsonb_build_object('id', md5('subject ' || n)::uuid, 'to', '+14155550100', 'status', status, 'reason', '',
                          'error_code', '', 'attempt', 1, 'campaign', 7, 'contact', n, 'segments', 1),
       now(), now(), now(), ''
FROM generate_series(1, %(events)s / 3) AS n, unnest(ARRAY['accepted', 'sent', 'delivered']) AS status
"""
_STANDS = """
SELECT count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 0),
       extract(epoch FROM max(ended_at) - min(created_at)), percentile_disc(0.99) WITHIN GROUP (ORDER BY took_ms)
FROM delivery_webhookdelivery WHERE endpoint_id = %s
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=6_000, help="owed to each endpoint")
    parser.add_argument("--rounds", type=int, default=30, help="of the third part")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the second part")


def run(servers: Servers, options: argparse.Namespace) -> int:
    with fresh_database():
        report.say("A quick endpoint alone", _alone(options.events))
    with fresh_database():
        report.say("All at once", _together(options.events, options.seconds))
    with fresh_database():
        report.say("What it costs whoever writes statuses", _cost(options.rounds))
    return 0


def _alone(events: int) -> str:
    with _Program("benchmarks.webhook_receivers", "quick") as receivers:
        (port,) = receivers.ask({})["ports"].values()
        endpoint = _endpoint(f"http://127.0.0.1:{port}/", events)
        with _Program("benchmarks.webhook_courier") as courier:
            _wait(lambda: not WebhookDelivery.objects.filter(state=0).exists(), events / 50 + 30)
            used = courier.ask({})
        delivered, _, took, _ = _stands(endpoint)
    rate, each = f"{delivered / took:,.0f}", f"{used['cpu'] / delivered * 1e6:.0f} µs"
    row = [f"{delivered:,} events", rate, each, f"{used['peak']:.0f} MB"]
    return report.table(["Told", "events/s", "CPU for each", "peak memory"], [row])


def _together(events: int, seconds: float) -> str:
    with _Program("benchmarks.webhook_receivers", *KINDS[:-1]) as receivers:
        ports = receivers.ask({})["ports"]
        urls = {kind: f"http://127.0.0.1:{ports.get(kind, 1)}/" for kind in KINDS}
        endpoints = {kind: _endpoint(url, events) for kind, url in urls.items()}
        with _Program("benchmarks.webhook_courier") as courier:
            before = courier.ask({})
            time.sleep(seconds)
            after, seen = courier.ask({}), receivers.ask({})
    lines = list(_lines(endpoints, seen["seen"]))
    memory = f"The courier's memory: {before['peak']:.0f} MB at first, {after['peak']:.0f} MB after {seconds:.0f} s."
    elsewhere = f"Requests at the address that was redirected to: {seen['seen']['elsewhere']['requests']}."
    headings = ["Endpoint", "requests", "at once", "taken", "waits", "all taken within", "99 % of answers", "is told"]
    return report.table(headings, lines) + f"\n\n{memory} {elsewhere}"


def _lines(endpoints: dict[str, WebhookEndpoint], seen: dict[str, Any]) -> Iterator[list[str]]:
    for kind, endpoint in endpoints.items():
        delivered, waiting, took, slowest = _stands(endpoint)
        endpoint.refresh_from_db()
        how = seen.get(kind, {"requests": 0, "most": 0})
        done = f"{took:.1f} s" if not waiting else "–"
        said = f"{slowest or 0} ms"
        stands = "at once" if not endpoint.failures else f"now and then: {endpoint.last_error}"
        yield [kind, f"{how['requests']:,}", f"{how['most']}", f"{delivered:,}", f"{waiting:,}", done, said, stands]


def _cost(rounds: int, size: int = 2000) -> str:
    by = scenes.sender()
    scenes.messages(size, by, Status.SENDING)
    took: dict[str, list[float]] = {"without the triggers": [], "nobody to tell": [], "one endpoint": []}
    with connection.cursor() as cursor:
        for _ in range(rounds):
            for way, times in took.items():
                _switch(cursor, on=False)
                cursor.execute("UPDATE delivery_message SET status = 'sending'")
                cursor.execute("DELETE FROM delivery_webhookendpoint")
                if way != "without the triggers":
                    _switch(cursor, on=True)
                scenes.webhooks(1 if way == "one endpoint" else 0)
                began = time.perf_counter()
                cursor.execute("UPDATE delivery_message SET status = 'accepted'")
                times.append(time.perf_counter() - began)
    rows = [
        [way, f"{statistics.median(times) * 1e6 / size:.1f} µs", f"{min(times) * 1e6 / size:.1f} µs"]
        for way, times in took.items()
    ]
    return report.table(["UPDATE of 2,000 statuses", "median, each", "least, each"], rows)


def _switch(cursor: Any, *, on: bool) -> None:
    for name in ("delivery_message_webhook_updated", "delivery_message_status_webhook"):
        cursor.execute(f"ALTER TABLE delivery_message {'ENABLE' if on else 'DISABLE'} TRIGGER {name}")


def _endpoint(url: str, events: int) -> WebhookEndpoint:
    from delivery.webhooks import endpoints

    endpoint, _ = endpoints.make(url=url, events=["*"], by="benchmark")
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"endpoint": endpoint.pk, "events": events})
        cursor.execute("ANALYZE delivery_webhookdelivery, delivery_webhookendpoint")
    return endpoint


def _stands(endpoint: WebhookEndpoint) -> tuple[int, int, float, int | None]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDS, [endpoint.pk])
        delivered, waiting, took, slowest = cursor.fetchone()
    return delivered, waiting, float(took or 0), slowest


def _wait(condition: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("The events were not taken in time.")
        time.sleep(0.05)


class _Program:
    """A part of the benchmark in a process of its own, which answers a line of JSON with a line of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "_Program":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer
