"""Whether ten times the audience takes ten times as long, and no more memory.

    make bench ARGS="scale --million"

Each stage runs in a process of its own around an empty database, per size: time per row may differ by 15 % from
that at the smallest size, and the most memory of the process by 10 %. What differs more is marked; small sizes on a
busy machine differ by chance, so believe a mark only when it comes again.
"""

import argparse
from collections.abc import Callable

from benchmarks import claiming, importing, materialise, reconciling, report
from benchmarks.alone import Figures, alone
from benchmarks.sending import RECEIPTS
from benchmarks.servers import Servers, fresh_database

MOST_TIME, MOST_MEMORY = 0.15, 0.10
IN_FLIGHT = 500

#: Rows per contact, and how to go through them.
STAGES: dict[str, tuple[int, Callable[[int], Figures]]] = {
    "import": (1, lambda size: importing.once(size)[0]),
    "materialise": (1, lambda size: materialise.one(size)),
    "claim and settle": (1, lambda size: alone(claiming.ours, size=size, in_flight=IN_FLIGHT)),
    "reconcile": (RECEIPTS, lambda size: alone(reconciling.ours, size=size)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="contacts, smallest first")
    parser.add_argument("--million", action="store_true", help="a million as well")


def run(_servers: Servers, options: argparse.Namespace) -> int:
    sizes = [*options.sizes, *([1_000_000] if options.million else [])]
    times, memories = [], []
    for name, (each, measure) in STAGES.items():
        figures = []
        for size in sizes:
            with fresh_database():
                figures.append(measure(size))
        per_row = [one["seconds"] / (size * each) * 1e6 for size, one in zip(sizes, figures, strict=True)]
        times.append([name, *_compared(per_row, MOST_TIME)])
        memories.append([name, *_compared([one["memory"] for one in figures], MOST_MEMORY)])
    columns = [f"{size:,}" for size in sizes]
    report.say(
        "With the size of the audience",
        report.table(["Time per row, µs", *columns], times),
        report.table(["Peak memory, MB", *columns], memories),
    )
    return 0


def _compared(values: list[float], most: float) -> list[str]:
    """Each with its deviation from the first, in bold where it is larger than `most` upwards."""
    first, *others = values
    shown = [f"{first:.1f}"]
    for value in others:
        deviation = value / first - 1
        text = f"{value:.1f} ({deviation:+.0%})"
        shown.append(f"**{text}**" if deviation > most else text)
    return shown
