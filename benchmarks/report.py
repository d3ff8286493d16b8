"""How results are shown: Markdown tables, and the machine they are from."""

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, aligned to be read as it is; all but the first column to the right."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(headings))]

    def show(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])} |"

    rule = [("-" * width if n == 0 else "-" * (width - 1) + ":") for n, width in enumerate(widths)]
    return "\n".join([show(lines[0]), show(rule), *(show(line) for line in lines[1:])])


def say(title: str, *parts: str) -> None:
    """A section, at once: a long run is watched."""
    print("\n\n".join([f"## {title}", *parts]) + "\n", flush=True)


def machine() -> str:
    """One line on what all figures of a run depend on."""
    return " · ".join(
        [
            _processor(),
            f"{len(os.sched_getaffinity(0))} cores",
            f"{psutil.virtual_memory().total / 2**30:.0f} GB",
            f"{platform.system()} {platform.release()}",
            f"Python {platform.python_version()}",
            _postgres(),
            _redis(),
        ]
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _postgres() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('fsync')")
        version, fsync = cursor.fetchone()
    return f"Postgres {version} (fsync {fsync})"


def _redis() -> str:
    import redis

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        known = client.info("server")
    if "valkey_version" in known:
        return f"Valkey {known['valkey_version']}"
    return f"Redis {known['redis_version']}"
