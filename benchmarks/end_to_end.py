"""From launch to the final status of every message, as a campaign to everybody goes.

    make bench ARGS="end_to_end --messages 50000"

Each combination of the carrier's answer time and the number of dispatch processes starts all processes anew around
an empty database, sends 200 messages to warm up, then launches. Per message there are one request to the carrier and
three receipts. The provider's rate is no limit. The carrier runs on the same machine, and its CPU time is the
machine's too. Ends with status 1 unless rows, receipts and the carrier's own ledger agree on every message.
"""

import argparse
import sys

from benchmarks import report, scenes
from benchmarks.hub import hub
from benchmarks.sending import Sent, send, warm_up
from benchmarks.servers import Servers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--latency", type=float, nargs="+", default=[0, 80], help="of the carrier's answers, ms")
    parser.add_argument("--dispatchers", type=int, nargs="+", default=[1, 2], help="dispatch processes")
    parser.add_argument("--in-flight", type=int, default=300, help="requests open at once, per dispatch process")


def run(servers: Servers, options: argparse.Namespace) -> int:
    results: dict[tuple[float, int], Sent] = {}
    for latency in options.latency:
        for dispatchers in options.dispatchers:
            sent = measure(servers, options.messages, latency, dispatchers, options.in_flight)
            results[latency, dispatchers] = sent
            for disagreement in sent.disagreements:
                print(f"{_named(latency, dispatchers)}: {disagreement}", file=sys.stderr)
    report.say(f"End to end, {options.messages:,} messages", _speed(results), _cost(results), _memory(results))
    return int(any(sent.disagreements for sent in results.values()))


def measure(servers: Servers, size: int, latency: float, dispatchers: int, in_flight: int) -> Sent:
    """One combination. `latency` in ms; `in_flight` per dispatch process."""
    with hub(servers, dispatchers=dispatchers) as running:
        running.carrier.set_faults(latency_ms=latency)
        by = scenes.sender(carrier_url=running.carrier_url, max_in_flight=in_flight * dispatchers)
        warm_up(running, by)
        return send(running, by, size)


def _named(latency: float, dispatchers: int) -> str:
    return f"{latency:g} ms, {dispatchers} dispatching"


def _speed(results: dict[tuple[float, int], Sent]) -> str:
    return report.table(
        [
            "Carrier, processes",
            "messages/s",
            "rows written",
            "handed over",
            "final",
            "WAL/message",
            "updates",
            "HOT",
            "ledger",
        ],
        [
            [
                _named(*key),
                f"{sent.rate:,.0f}",
                *(f"{moment:.1f} s" for moment in (sent.written, sent.handed_over, sent.final)),
                f"{sent.wal / sent.messages / 1024:.1f} kB",
                f"{sent.updates:.1f}",
                f"{sent.hot:.0%}",
                "differs" if sent.disagreements else "agrees",
            ]
            for key, sent in results.items()
        ],
    )


def _names(results: dict[tuple[float, int], Sent]) -> list[str]:
    return list(dict.fromkeys(name for sent in results.values() for name in sent.used))


def _cost(results: dict[tuple[float, int], Sent]) -> str:
    def cpu(sent: Sent, name: str) -> str:
        return f"{sent.used[name].cpu / sent.messages * 1000:.3f}" if name in sent.used else "–"

    rows = [[name, *(cpu(sent, name) for sent in results.values())] for name in _names(results)]
    spent = [sum(part.cpu for part in sent.used.values()) for sent in results.values()]
    each = zip(spent, results.values(), strict=True)
    rows.append(["**all**", *(f"**{cpu / sent.messages * 1000:.3f}**" for cpu, sent in each)])
    each = zip(spent, results.values(), strict=True)
    rows.append(["cores busy", *(f"{cpu / sent.settled:.2f}" for cpu, sent in each)])
    return report.table(["CPU, ms per message", *(_named(*key) for key in results)], rows)


def _memory(results: dict[tuple[float, int], Sent]) -> str:
    return report.table(
        ["Peak memory, MB", *(_named(*key) for key in results)],
        [
            [name, *(f"{sent.used[name].peak:.0f}" if name in sent.used else "–" for sent in results.values())]
            for name in _names(results)
        ],
    )
