import os
import sys

from django.core.management.base import BaseCommand, CommandParser

from smshub.quickstart import environment, up


class Command(BaseCommand):
    help = "Start the whole hub on this machine: Postgres, Redis, web, workers, clock, simulated carrier."

    def run_from_argv(self, argv: list[str]) -> None:
        """Give way to a new process: this one has read its settings before the servers they name are up."""
        command = [sys.executable, "-m", "smshub.quickstart", *argv[2:]]
        os.execve(sys.executable, command, environment.as_given())  # noqa: S606 - our own module, no shell

    def add_arguments(self, parser: CommandParser) -> None:
        up.add_arguments(parser)
