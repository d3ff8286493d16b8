"""The hub beside other gateways over SMPP, doing the same work on the same machine in the same run.

    make bench ARGS="smpp --messages 20000 --rtt 0 50 --rivals kannel jasmin"

Each is handed in bulk so many texts of about 60 characters to as many numbers, and submits them over one bind to the
same simulated operator, started anew for each, with a receipt for each message some 200 ms later. Timed is from when
the first is handed over until the last final status is recorded: by the hub in its database, by a rival where it calls
back (`benchmarks/rivals/`). Counted is CPU time of the product's own processes: what hands a rival its messages and
what is called back is shown beside, and so is the operator. A rival that is slower is timed over fewer messages.
Ends with status 1 unless the operator has every message once and every status is there.
"""

import argparse
import sys
from dataclasses import dataclass

from benchmarks import report
from benchmarks.hub import Hub, hub
from benchmarks.rivals.contest import Contestant, Course, Smsc
from benchmarks.rivals.jasmin import JASMIN
from benchmarks.rivals.kannel import KANNEL, KANNEL_DURABLE, KANNEL_MEMORY
from benchmarks.servers import Servers
from benchmarks.smpp_ours import OURS
from benchmarks.usage import Used, used

RIVALS = {
    "jasmin": JASMIN,
    "kannel": KANNEL,
    "kannel-durable": KANNEL_DURABLE,
    "kannel-memory": KANNEL_MEMORY,
}
WARM_UP = 200
WARM_UP_FROM = 90_000_000
#: The simulated operator's usual account.
SYSTEM_ID, PASSWORD = "simulate", "smppsim"


@dataclass(frozen=True, slots=True)
class Result:
    contestant: Contestant
    messages: int
    course: Course
    used: dict[str, Used]
    accepted: int
    """By the operator, of so many messages."""
    twice: int

    @property
    def rate(self) -> float:
        return self.course.final / self.course.seconds

    @property
    def agrees(self) -> bool:
        return self.accepted == self.course.final == self.messages and not self.twice

    @property
    def cpu(self) -> float:
        """Milliseconds per message of the product's own processes."""
        own = [part.cpu for name, part in self.used.items() if not self.is_beside(name)]
        return sum(own) / self.messages * 1000

    def is_beside(self, name: str) -> bool:
        return name == "simulator" or name in self.contestant.beside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rtt", type=float, nargs="+", default=[0, 50], help="until the operator answers, ms")
    parser.add_argument("--window", type=int, default=100, help="submits unanswered at once")
    parser.add_argument("--rivals", nargs="*", default=["kannel"], choices=sorted(RIVALS))
    parser.add_argument("--without-ours", action="store_true", help="the rivals alone")


def run(servers: Servers, options: argparse.Namespace) -> int:
    contestants = [*([] if options.without_ours else [OURS]), *(RIVALS[name] for name in options.rivals)]
    absent = {one.name: why for one in contestants if (why := one.missing())}
    results = {
        rtt: [
            measure(servers, one, max(1, int(options.messages * one.scale)), rtt, options.window)
            for one in contestants
            if one.name not in absent
        ]
        for rtt in options.rtt
    }
    tables = [_speed(results), *(_cost(rtt, each) for rtt, each in results.items())]
    left_out = [f"{name} did not take part. {why}" for name, why in absent.items()]
    report.say(f"Over SMPP, one bind, window {options.window}", *tables, *left_out)
    return int(not all(result.agrees for each in results.values() for result in each))


def measure(servers: Servers, contestant: Contestant, size: int, rtt: float, window: int) -> Result:
    """One contestant with its own operator; `rtt` in ms."""
    with hub(servers, contestant.programs, migrated=bool(contestant.programs)) as running:
        smsc = operator(running, rtt)
        send = contestant.prepare(running, smsc, window)
        warm_up = send(WARM_UP_FROM, WARM_UP)
        if warm_up.final != WARM_UP:
            print(f"{contestant.name}: {warm_up.final} of {WARM_UP} to warm up are final", file=sys.stderr)
        before = used(running.pids)
        course = send(1, size)
        after = used(running.pids)
        summary = running.carrier.summary()
        return Result(
            contestant=contestant,
            messages=size,
            course=course,
            used={name: Used(part.cpu - before[name].cpu, part.peak) for name, part in after.items()},
            accepted=summary["accepted"] - WARM_UP,
            twice=summary["duplicates"],
        )


def operator(running: Hub, rtt: float) -> Smsc:
    """The simulated operator, as a process of its own."""
    running.start("simulator")
    running.wait_healthy()
    running.carrier.set_faults(latency_ms=rtt)
    return Smsc("127.0.0.1", running.smpp_port, SYSTEM_ID, PASSWORD)


def _speed(results: dict[float, list[Result]]) -> str:
    rows = []
    for rtt, each in results.items():
        # The hub is first, and what it is compared with is the others.
        first = each[0].rate if each else 0.0
        for result in each:
            course = result.course
            rows.append(
                [
                    f"{result.contestant.name}, {rtt:g} ms",
                    f"{result.messages:,}",
                    f"{result.rate:,.0f}",
                    f"{result.cpu:.2f}",
                    f"{first / result.rate:.1f}" if result.rate else "–",
                    f"{course.final:,}",
                    f"{result.twice:,}",
                    "agrees" if result.agrees else "differs",
                ]
            )
    headings = [
        "Gateway, operator answers in",
        "messages",
        "messages/s",
        "CPU, ms per message",
        "the first is × as fast",
    ]
    return report.table([*headings, "final", "twice", "ledger"], rows)


def _cost(rtt: float, each: list[Result]) -> str:
    names = list(dict.fromkeys(name for result in each for name in result.used))

    def cpu(result: Result, name: str) -> str:
        if name not in result.used:
            return "–"
        spent = f"{result.used[name].cpu / result.messages * 1000:.3f}"
        return f"({spent})" if result.is_beside(name) else spent

    rows = [[name, *(cpu(result, name) for result in each)] for name in names]
    everything = [sum(part.cpu for part in result.used.values()) / result.course.seconds for result in each]
    rows.append(["cores busy", *(f"{cores:.2f}" for cores in everything)])
    return report.table([f"CPU, ms per message, {rtt:g} ms", *(result.contestant.name for result in each)], rows)
