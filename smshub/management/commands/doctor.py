"""`manage.py doctor`: what is wrong, and what to do. Ends with status 1 if something is."""

import io
import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from smshub.doctor.examine import Report, examine
from smshub.doctor.findings import Level

_COLOURS = {Level.PROBLEM: "bold red", Level.WARNING: "yellow"}


class Command(BaseCommand):
    help = "Say what is wrong with this hub and what to do about it. Changes nothing."
    # It must be able to speak when little else works.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        report = examine()
        self.stdout.write(as_json(report) if json else as_table(report, colours=self.stdout.isatty()))
        if not report.healthy:
            sys.exit(1)


def as_json(report: Report) -> str:
    return json.dumps(
        {
            "healthy": report.healthy,
            "findings": [{"check": check, **asdict(finding)} for check, finding in report.found],
            "passed": report.passed,
            "skipped": report.skipped,
        },
        indent=2,
    )


def as_table(report: Report, *, colours: bool) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=colours, highlight=False, markup=False)
    if report.found:
        table = Table("Check", "", "What", "What to do", show_lines=True)
        for check, finding in report.found:
            table.add_row(check, finding.level.value, finding.what, finding.what_to_do, style=_COLOURS[finding.level])
        console.print(table)
    console.print(f"{len(report.passed)} checks found nothing wrong: {', '.join(report.passed)}.")
    if report.skipped:
        console.print(f"Not looked at, because of the problems above: {', '.join(report.skipped)}.")
    return text.getvalue()
