"""The stages of a message's way alone, each beside the least that the same machine must do for it.

    make bench ARGS="stages --rows 100000 --receipts 100000 --seconds 10"
    make bench ARGS="stages --only limits"

- importing: a CSV file into contacts; the limit is COPY of finished rows.
- materialise: an audience into message rows, texts and all; the limit is COPY of finished rows.
- claim and settle: the dispatch loop with a provider that takes everything at once; the limit are the two UPDATEs
  by ids known beforehand.
- receipts in: answered 204 after their commit, by a web process that has one core; the limit is the same server
  with an application that does nothing.
- reconcile: a full inbox into status, timeline and tallies; the limit are the same writes without a question asked.
- limits: the share of a rate limit that several processes use, and how much they got in their worst second.
"""

import argparse
from collections.abc import Iterator

from benchmarks import claiming, door, importing, limits, materialise, reconciling, report, scenes
from benchmarks.alone import Figures, alone
from benchmarks.sending import RECEIPTS
from benchmarks.servers import Servers, fresh_database

STAGES = ("importing", "materialise", "claiming", "reconciling", "door", "limits")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=10_000, help="contacts or messages")
    parser.add_argument("--webhooks", type=int, default=0, help="endpoints that are owed every status")
    parser.add_argument("--in-flight", type=int, default=500, help="messages claimed at once")
    parser.add_argument("--receipts", type=int, default=10_000, help="to the door")
    parser.add_argument("--connections", type=int, default=64, help="to the door")
    parser.add_argument("--seconds", type=float, default=2.0, help="per limit and number of processes")
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 5000], help="limits, segments/s")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="that ask for leave")
    parser.add_argument("--only", choices=STAGES, nargs="+", default=STAGES)


def run(servers: Servers, options: argparse.Namespace) -> int:
    if stages := [stage for stage in options.only if stage not in ("door", "limits")]:
        headings = ["Stage", "rows", "rows/s", "limit", "rows/s", "reached", "peak memory"]
        report.say("Stages alone", report.table(headings, _stages(stages, options)))
    if "door" in options.only:
        report.say("Receipts in, by one core", _door(servers, options.receipts, options.connections))
    if "limits" in options.only:
        report.say("Rate limits", _limits(options.rates, options.processes, options.seconds))
    return 0


def _stages(names: list[str], options: argparse.Namespace) -> Iterator[list[str]]:
    size, in_flight = options.rows, options.in_flight
    for name in names:
        with fresh_database():
            scenes.webhooks(options.webhooks)
            what, rows, took = _ours(name, size, in_flight)
        with fresh_database():
            limit, least = _least(name, size, in_flight)
        rates = [rows / took["seconds"], rows / least["seconds"]]
        ours, best = (f"{rate:,.0f}" for rate in rates)
        yield [what, f"{rows:,}", ours, limit, best, f"{rates[0] / rates[1]:.0%}", f"{took['memory']:.0f} MB"]


def _ours(name: str, size: int, in_flight: int) -> tuple[str, int, Figures]:
    """Its name, the rows it went through, and its figures."""
    match name:
        case "importing":
            return "import", size, importing.once(size)[0]
        case "materialise":
            return "materialise", size, materialise.one(size)
        case "claiming":
            return "claim and settle", size, alone(claiming.ours, size=size, in_flight=in_flight)
        case _:
            return "reconcile", size * RECEIPTS, alone(reconciling.ours, size=size)


def _least(name: str, size: int, in_flight: int) -> tuple[str, Figures]:
    match name:
        case "importing":
            return "COPY", alone(importing.copy_only, size=size)
        case "materialise":
            return "COPY", alone(materialise.copy_only, size=size)
        case "claiming":
            return "UPDATE twice, by id", alone(claiming.updates_only, size=size, in_flight=in_flight)
        case _:
            return "the same writes", alone(reconciling.writes_only, size=size)


def _door(servers: Servers, receipts: int, connections: int) -> str:
    results = door.measure(servers, receipts, connections)
    best = results[1]["rate"]
    names = ("the door: verified and committed", "the server alone: 204 to everything")
    return report.table(
        ["By", "receipts/s", "reached", "CPU per receipt", "core idle", "client's CPU"],
        [
            [
                name,
                f"{figures['rate']:,.0f}",
                f"{figures['rate'] / best:.0%}",
                f"{figures['web'] / receipts * 1e6:.0f} µs",
                f"{max(0.0, 1 - figures['web'] * figures['rate'] / receipts):.0%}",
                f"{figures['client'] / receipts * 1e6:.0f} µs",
            ]
            for name, figures in zip(names, results, strict=True)
        ],
    )


def _limits(rates: list[int], processes: list[int], seconds: float) -> str:
    headings = ["Limit", "processes", "share used", "worst second"]
    rows = []
    with fresh_database():
        for rate in rates:
            for number in processes:
                share, worst = limits.measure(number, rate, seconds)
                rows.append([f"{rate:,}/s", f"{number}", f"{share:.1%}", f"{worst:.1%}"])
    return report.table(headings, rows)
