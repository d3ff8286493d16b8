"""The test database: made by its migrations once in a run, and read from what they made by its other processes.

It costs each of them ten seconds of a processor otherwise.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import setup_databases

from smshub.quickstart.postgres import installation
from tests import turns

_made: list[list[Any]] = []


def make_database_ahead() -> None:
    """Of this process, before any test asks for it, while others are still collecting."""
    _made.append(make_database())


def make_database() -> list[Any]:
    """Make it, and say to `teardown_databases` what was before."""
    if _made:
        return _made.pop()
    folder = turns.folder()
    if folder is None:
        return _from_migrations()
    script = folder / "database.sql"
    with _one_at_a_time(folder):
        if not script.exists():
            databases = _from_migrations()
            _client("pg_dump", "--file", f"{script}.part")
            os.rename(f"{script}.part", script)
            return databases
    return _from_script(script)


def _from_migrations(keep: bool = False) -> list[Any]:
    return setup_databases(verbosity=0, interactive=False, aliases=["default"], serialized_aliases=[], keepdb=keep)


def _from_script(script: Path) -> list[Any]:
    name = connection.creation._get_test_db_name()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    quiet = ("--quiet", "--no-psqlrc", "--output=/dev/null")
    _client("psql", *quiet, "--set=ON_ERROR_STOP=1", f"--file={script}", database=name)
    return _from_migrations(keep=True)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _client(program: str, *arguments: str, database: str = "") -> None:
    settings = connection.settings_dict
    subprocess.run(
        [installation() / "bin" / program, *arguments],
        env={
            "PATH": os.defpath,
            "PGHOST": settings["HOST"],
            "PGPORT": str(settings["PORT"]),
            "PGUSER": settings["USER"],
            "PGPASSWORD": settings["PASSWORD"],
            "PGDATABASE": database or settings["NAME"],
        },
        check=True,
    )
