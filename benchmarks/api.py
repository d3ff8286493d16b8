"""Messages over the API: what one web process with one core of its own takes, beside a view that does nothing.

    make bench ARGS="api --requests 2000 --stored 1000000"

Sends one text per request, batches of a thousand, and reads pages of the list with so many messages stored, over real
HTTP on kept connections; then the same requests against `benchmarks/bare_drf.py` by the same server. Nothing is
dispatched. Percentiles are of single requests as their client waits for them.
"""

import argparse
import asyncio
import os
import time
from typing import Any

import aiohttp
import uvloop
from django.db import connection

from benchmarks import report, years
from benchmarks.alone import Figures, alone
from benchmarks.hub import Hub, hub
from benchmarks.servers import Servers
from benchmarks.usage import pin, used
from smshub.api import keys
from smshub.quickstart import commands
from smshub.quickstart.processes import answers_http

BATCH = 1000
WARM_UP = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=1000, help="of single texts, and of pages")
    parser.add_argument("--batches", type=int, default=10, help=f"of {BATCH} texts")
    parser.add_argument("--stored", type=int, default=100_000, help="messages that there are already")
    parser.add_argument("--connections", type=int, default=4)


def run(servers: Servers, options: argparse.Namespace) -> int:
    rows: list[list[str]] = []
    with hub(servers, ("web",)) as running:
        years.make(options.stored, 12, timelines=False)
        before = _stored()
        text = keys.issue(name="Benchmark", scopes=["*"], actor=None)[1]
        own = running.pin_web()
        kinds = {"one": options.requests, "page": options.requests, "batch": options.batches}
        ours = {kind: _load(running, "web", kind, number, options.connections, text) for kind, number in kinds.items()}
        stored = _stored() - before
        if stored != options.requests + WARM_UP + (options.batches + 1) * BATCH:
            raise SystemExit(f"{stored} messages are stored, which is not what was answered for.")
        running.processes.discard("web")
        argv = commands.argv("web", web_port=running.web_port)
        bare = [part.replace("smshub.asgi", "benchmarks.bare_drf") for part in argv]
        running.run("bare", bare, healthy=answers_http(running.url))
        running.wait_healthy()
        pin(running.processes.pid("bare"), own)
        nothing = {
            kind: _load(running, "bare", kind, number, options.connections, text) for kind, number in kinds.items()
        }
        for pid in servers.pids.values():
            pin(pid, sorted(os.sched_getaffinity(0)))
    names = {"one": "send one", "page": "a page of 50", "batch": f"a batch of {BATCH:,}"}
    for kind, name in names.items():
        mine, its = ours[kind], nothing[kind]
        each = f"{mine['rate'] * BATCH:,.0f} messages/s" if kind == "batch" else ""
        rows.append(
            [
                name,
                f"{mine['rate']:,.1f}",
                each,
                f"{mine['p50']:.1f}",
                f"{mine['p99']:.1f}",
                f"{mine['web'] * 1000:.2f}",
                f"{its['web'] * 1000:.2f}",
                f"{its['rate']:,.1f}",
                f"{mine['rate'] / its['rate']:.2f}",
            ]
        )
    columns = [
        "Request",
        "per second",
        "",
        "p50, ms",
        "p99, ms",
        "CPU of web, ms",
        "of a bare view",
        "its rate",
        "ratio",
    ]
    title = f"The API with {options.stored:,} messages stored, {options.connections} connections"
    report.say(title, report.table(columns, rows))
    return 0


def _stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM delivery_message")
        return int(cursor.fetchone()[0])


def _load(running: Hub, name: str, kind: str, number: int, connections: int, key: str) -> Figures:
    figures: Figures = {}
    for size in (1 if kind == "batch" else WARM_UP, number):
        before = used({name: running.processes.pid(name)})[name].cpu
        figures = alone(load, url=running.url, kind=kind, size=size, connections=connections, key=key)
        figures["web"] = (used({name: running.processes.pid(name)})[name].cpu - before) / size
    return figures


def load(url: str, kind: str, size: int, connections: int, key: str) -> Figures:
    """In a process of its own: so many requests of a kind, as fast as they are answered."""
    *others, _own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [_own])
    return uvloop.run(_load_all(f"{url}/api/v1", kind, size, connections, key))


async def _load_all(url: str, kind: str, size: int, connections: int, key: str) -> Figures:
    waited: list[float] = []
    numbers = iter(range(size))
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def ask() -> None:
            for n in numbers:
                began = time.perf_counter()
                async with _request(session, url, kind, n) as answer:
                    content = await answer.read()
                    if answer.status >= 300:
                        raise SystemExit(f"{answer.status}: {content[:500]!r}")
                waited.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(connections)))
        took = time.perf_counter() - began
    waited.sort()
    at = {"p50": len(waited) // 2, "p99": min(len(waited) - 1, len(waited) * 99 // 100)}
    return {"rate": size / took} | {name: waited[place] * 1000 for name, place in at.items()}


def _request(session: aiohttp.ClientSession, url: str, kind: str, n: int) -> Any:
    if kind == "page":
        return session.get(f"{url}/messages")
    body: dict[str, Any] = {"to": f"+1415{5_550_000 + n % 10_000}", "body": "Your table is ready."}
    if kind == "one":
        return session.post(f"{url}/messages", json=body, headers={"Idempotency-Key": os.urandom(8).hex()})
    messages = [body | {"to": f"+1415555{1000 + m}", "client_reference": f"{n}-{m}"} for m in range(BATCH)]
    batch = {"messages": messages}
    return session.post(f"{url}/messages/batch", json=batch, headers={"Idempotency-Key": os.urandom(8).hex()})
