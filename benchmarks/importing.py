"""How fast contacts are imported, and how much memory it takes.

    make bench ARGS="importing 10000 100000 1000000"

Makes a file per size (names, cities, a time zone now and then, 2 % repeated numbers, 1 % unusable ones), imports it
into an empty database, imports it again, and undoes the first. Each runs in a fresh process, so that its peak memory
is its own. The limit is COPY of as many finished rows into the same table.
"""

import argparse
import csv
import random
import tempfile
from pathlib import Path

from django.core.files import File
from django.db import connection
from django.utils import timezone

from benchmarks import report
from benchmarks.alone import Figures, alone, seconds
from benchmarks.servers import Servers, fresh_database
from contacts.importing import run as imports
from contacts.importing import undo, work
from contacts.models import ContactImport

NAMES = ("Ann Miller", "José García", "Łukasz Nowak", "Zoë de Vries", "李娜", "O'Brien, Pat", 'Max "Mo" Huber')
CITIES = ("Berlin", "São Paulo", "Kraków", "Springfield", "Aix-en-Provence", "")


def write_file(path: Path, rows: int) -> None:
    """A file as a shop might export it: semicolons, quotes, numbers in several notations."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Mobile", "Full name", "Language", "Time zone", "City", "Points"])
        for row in range(rows):
            serial = row if row % 50 else chance.randrange(row + 1)
            phone = ("+336{:08d}", "(415) 2{1:02d}-{2:04d}", "+4915{:09d}", "+4474{:08d}")[serial % 4]
            text = phone.format(10_000_000 + serial, (serial // 10_000) % 100, serial % 10_000)
            if row % 100 == 99:
                text = "call the office"
            zone = "Europe/Berlin" if row % 10 == 0 else ""
            writer.writerow([text, chance.choice(NAMES), "de", zone, chance.choice(CITIES), row % 1000])


def import_file(path: str) -> Figures:
    with Path(path).open("rb") as file:
        upload = imports.prepare(
            file=File(file), original_name="benchmark.csv", default_country="US", contact_list=None, actor=None
        )
    took = seconds(lambda: imports.run(upload))
    if upload.error:
        raise SystemExit(upload.error)
    counts = ("created", "updated", "unchanged", "duplicate", "rejected")
    return {"seconds": took, "counts": [getattr(upload, f"{count}_count") for count in counts]}


def undo_first() -> Figures:
    """The first import of this process's database, taken back."""
    upload = ContactImport.objects.earliest("pk")
    undo.start(upload, actor=None)
    took = seconds(lambda: work.proceed(import_id=upload.pk, status=ContactImport.Status.UNDOING))
    upload.refresh_from_db()
    return {"seconds": took, "counts": [upload.undone.get("removed", 0)]}


def copy_only(size: int) -> Figures:
    """As many finished rows by COPY, straight into the table."""
    columns = "phone, name, language, time_zone, country, attributes, created_at, updated_at"
    now = timezone.now()

    def copy_all() -> None:
        with connection.cursor() as cursor, cursor.copy(f"COPY contacts_contact ({columns}) FROM STDIN") as copy:
            for n in range(size):
                copy.write_row((f"+1{2000000000 + n}", "Ann Miller", "de", "", "US", '{"City": "Berlin"}', now, now))

    return {"seconds": seconds(copy_all)}


def once(size: int, *, again: bool = False) -> list[Figures]:
    """Import a file of that size into this process's database; again: a second time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        write_file(path, size)
        return [alone(import_file, path=str(path)) for _ in range(2 if again else 1)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 50_000])


def run(_servers: Servers, options: argparse.Namespace) -> int:
    rows = []
    for size in options.sizes:
        with fresh_database():
            passes = [*once(size, again=True), alone(undo_first)]
            for name, took in zip(("first", "again", "undone"), passes, strict=True):
                rate, counts = size / took["seconds"], "/".join(f"{count:,}" for count in took["counts"])
                rows.append([f"{size:,}", name, f"{rate:,.0f}", f"{took['memory']:.0f} MB", counts])
    headings = ["Rows", "pass", "rows/s", "peak memory", "created/updated/unchanged/duplicate/rejected, or removed"]
    report.say("Importing contacts", report.table(headings, rows))
    return 0
