"""The servers of a run, durable as in production, and a fresh database for each part of it."""

import itertools
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from smshub.quickstart.processes import Processes
from smshub.quickstart.servers import start_servers
from smshub.quickstart.state import exclusive, open_state

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Servers:
    """`pids`: postgres and redis, as far as they are ours."""

    folder: Path
    pids: dict[str, int]


@contextmanager
def servers() -> Iterator[Servers]:
    """Start them and set Django up; its database is that of the server until `fresh_database`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smshub-benchmark-")))
        state = open_state(folder)
        stack.enter_context(exclusive(state))
        processes = Processes()
        stack.callback(processes.stop)
        os.environ.update(start_servers(state, processes, any_port=True))
        os.environ.update(
            ALLOW_PRIVATE_PROVIDER_URLS="true",
            ALLOW_PRIVATE_WEBHOOK_URLS="true",
            DJANGO_SETTINGS_MODULE="smshub.settings",
            LOG_FORMAT="console",
            LOG_LEVEL="WARNING",
            MEDIA_ROOT=str(folder / "media"),
            # Nothing in a Redis that others use may be taken for ours.
            REDIS_PREFIX=f"benchmark-{secrets.token_hex(4)}:",
        )
        import django

        django.setup()
        yield Servers(folder, {name: processes.pid(name) for name in processes.names})


@contextmanager
def fresh_database(*, migrated: bool = True) -> Iterator[str]:
    """An empty database beside the server's own, for this process and those it starts; yields its URL."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    original_url, original = os.environ["DATABASE_URL"], settings.DATABASES["default"]["NAME"]
    name = f"smshub_benchmark_{os.getpid()}_{next(_numbers)}"

    def use(url: str, database: str) -> None:
        connection.close()
        os.environ["DATABASE_URL"] = url
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = database

    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    use(urlsplit(original_url)._replace(path=f"/{name}").geturl(), name)
    try:
        if migrated:
            call_command("migrate", interactive=False, verbosity=0)
            _open_at_any_hour()
        yield os.environ["DATABASE_URL"]
    finally:
        use(original_url, original)
        _drop(name)
        _forget()


def _open_at_any_hour() -> None:
    """What is measured must not depend on the time of the day: places are still asked, and are open."""
    from delivery.models import AllowedHours

    AllowedHours.objects.all().delete()


def _drop(name: str) -> None:
    """Autovacuum may be at work in it, whose process is not ours to end: then it is over in a moment."""
    from django.db import ProgrammingError, connection

    for patience in range(60, -1, -1):
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            return
        except ProgrammingError:
            if not patience:
                raise
            time.sleep(0.5)


def _forget() -> None:
    """Queued tasks, wake-ups and limits of this run: ids begin at 1 again in the next database."""
    from django.conf import settings

    from delivery.wake import client

    for key in client().scan_iter(f"{settings.REDIS_PREFIX}*", count=1000):
        client().delete(key)
