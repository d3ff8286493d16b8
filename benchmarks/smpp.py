"""The full cycle over SMPP: queued, submitted, accepted, its receipt heard and applied, final in Postgres.

    make bench ARGS="smpp --messages 50000 --latency 0 50"

For each of the operator's answer times all processes start anew around a database with so many queued messages of one
part, and the account is enabled. Simulated operator, Postgres, Redis, connector and worker share the machine. Ends with
status 1 unless every message is delivered and the operator's own ledger has each exactly once.
"""

import argparse
import sys
from time import monotonic

from benchmarks import report, scenes
from benchmarks.hub import Hub, hub, wait_for
from benchmarks.servers import Servers
from benchmarks.usage import used
from delivery import tallies
from delivery.connector import binds
from delivery.models import InboxReceipt, Provider, Sender
from delivery.states import Status
from simulator.__main__ import DEFAULT_SMPP

PROGRAMS = ("worker", "connector", "beat", "simulator")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--latency", type=float, nargs="+", default=[0, 50], help="of the operator's answers, ms")
    parser.add_argument("--binds", type=int, default=1)
    parser.add_argument("--window", type=int, default=100, help="of each bind")


def run(_servers: Servers, options: argparse.Namespace) -> int:
    rows, bad = [], 0
    names = ("connector", "worker", "postgres", "valkey", "simulator")
    for latency in options.latency:
        seconds, cpu, agree = measure(_servers, options.messages, latency, options.binds, options.window)
        rate = f"{options.messages / seconds:,.0f}"
        each = [f"{1000 * cpu[name] / options.messages:.2f}" if name in cpu else "" for name in names]
        rows.append([f"{latency:g} ms", rate, f"{seconds:.1f} s", *each])
        if agree:
            bad = 1
            print(f"{latency:g} ms: {agree}", file=sys.stderr)
    headings = ["Answer time", "messages/s", "in all", *(f"{name}, ms CPU each" for name in names)]
    binds_of = f"{options.binds} × a window of {options.window}"
    report.say(f"SMPP, {options.messages:,} messages, {binds_of}", report.table(headings, rows))
    return bad


def measure(
    servers: Servers, size: int, latency: float, binds_allowed: int, window: int
) -> tuple[float, dict[str, float], str]:
    """Seconds from the first claim to the last final status, CPU seconds by program, and what does not agree."""
    with hub(servers, PROGRAMS) as running:
        # Its receipts come when it has answered.
        running.carrier.set_faults(latency_ms=latency, receipt_delay_ms=2 * latency, receipt_jitter_ms=0)
        by = _sender(running, binds_allowed, window)
        wait_for(lambda: _bound(by) == binds_allowed, seconds=20, what="the binds")
        Provider.objects.update(enabled=False)  # nothing leaves while the rows are made
        scenes.messages(size, by, Status.QUEUED)
        before = used(running.pids)
        provider = Provider.objects.get(pk=by.provider_id)
        provider.enabled = True
        provider.save()
        wait_for(lambda: _bound(by) == binds_allowed, seconds=20, what="the binds")
        began = monotonic()
        wait_for(lambda: _delivered() == size, seconds=60 + size / 100, what="the last final status")
        seconds = monotonic() - began
        after = used(running.pids)
        wait_for(lambda: not InboxReceipt.objects.exists(), seconds=30, what="the last receipt")
        summary = running.carrier.summary()
        agree = "" if (summary["accepted"], summary["duplicates"]) == (size, 0) else f"the ledger says {summary}"
        return seconds, {name: after[name].cpu - before[name].cpu for name in after}, agree


def _sender(running: Hub, binds_allowed: int, window: int) -> Sender:
    provider = Provider.objects.create(
        name="Operator",
        adapter="smpp",
        settings={
            "address": f"smpp://127.0.0.1:{running.smpp_port}",
            "system_id": DEFAULT_SMPP.system_id,
            "binds": binds_allowed,
            "window": window,
            "id_base": "same",
        },
        credentials={"password": DEFAULT_SMPP.password},
        rate=scenes.UNLIMITED,
        # A tenth of it is left to what is urgent: so these windows are full.
        max_in_flight=binds_allowed * window * 10 // 9 + 1,
    )
    return Sender.objects.create(provider=provider, address=scenes.SENDER, is_default=True)


def _bound(by: Sender) -> int:
    return binds.look([by.provider_id])[by.provider_id].bound


def _delivered() -> int:
    return sum(count.messages for count in tallies.counts([1]) if count.status is Status.DELIVERED)
