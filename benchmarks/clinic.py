"""A year of a clinic on a virtual clock: who got what, against who should have.

    make bench ARGS="clinic --patients 5000 --days 365 --seed 1"

Patients in twelve time zones and three countries, appointments that are moved, called off and answered, medication
every day, rules that change, changes of clocks, STOPs, hours and days without a planner; allowed hours and a frequency
cap are kept by the real claim. Ends with status 1 if anybody got a text that should not have come (tests/campaigns/
clinic.py names all it looks for), or if a reminder is missing without a reason.
"""

import argparse

from benchmarks import report
from benchmarks.servers import Servers, fresh_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)


def run(_servers: Servers, options: argparse.Namespace) -> int:
    # Only here: the scene is that of the test, and needs what tests need.
    from tests.campaigns.calendar import utc, virtual_clock
    from tests.campaigns.clinic import NEVER, Clinic

    with fresh_database(), virtual_clock(utc("2026-01-01T00:00")) as clock:
        found = Clinic(clock, seed=options.seed, patients=options.patients, days=options.days).run()
    title = f"{found.patients:,} patients, {found.days} days, seed {found.seed}: {found.seconds:.0f} s"
    happened = [
        *sorted(found.events.items()),
        ("appointments", found.visits),
        ("doses", found.doses),
        ("texts on handsets", found.texts),
    ]
    report.say(
        title,
        report.table(["What happened", "Times"], [[name, f"{number:,}"] for name, number in happened]),
        report.table(["Reminders", "Number"], [[name, f"{number:,}"] for name, number in sorted(found.states.items())]),
        ", ".join(f"{found.found[kind]:,} {kind}" for kind in NEVER) + ". " + "; ".join(found.problems[:20]),
    )
    return 1 if found.problems else 0
