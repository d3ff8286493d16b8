"""How fast contacts are imported, and how much memory it takes: `python -m benchmarks.importing 10000 100000`.

Makes a file per size (names, cities, a time zone now and then, 2 % repeated numbers, 1 % unusable ones), imports it
into the database of DATABASE_URL, and imports it again. Each import runs in a fresh process, so that its peak
memory is its own. The contacts it made are deleted at the end, so use a database that holds no others.
"""

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def import_once(path: Path) -> None:
    """In a process of its own: prints what it took as JSON."""
    import django

    django.setup()
    from django.core.files import File

    from contacts.importing import run

    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with path.open("rb") as file:
        upload = run.prepare(
            file=File(file), original_name=path.name, default_country="US", contact_list=None, actor=None
        )
    started = time.perf_counter()
    run.run(upload)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump(
        {
            "status": upload.status,
            "error": upload.error,
            "rows": upload.rows_read,
            "seconds": seconds,
            "idle": idle,
            "peak": peak,
            "counts": [
                upload.created_count,
                upload.updated_count,
                upload.unchanged_count,
                upload.duplicate_count,
                upload.rejected_count,
            ],
        },
        sys.stdout,
    )


def clear() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE contacts_contact CASCADE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--import-once", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")
    if not os.environ.get("DATABASE_URL"):
        parser.error("set DATABASE_URL to a migrated database without contacts")
    if chosen.import_once:
        import_once(chosen.import_once)
        return
    import django

    django.setup()
    from contacts.models import Contact

    if Contact.objects.exists():
        sys.exit("This database holds contacts, which the benchmark would delete: use another one.")
    counts = "created/updated/unchanged/duplicate/rejected"
    print(f"{'rows':>9}  {'pass':<7}{'seconds':>8}{'rows/s':>9}{'peak MB':>9}  {counts}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for rows in chosen.rows:
            path = Path(folder) / f"{rows}.csv"
            write_file(path, rows)
            for name in ("first", "again"):
                environment = os.environ | {"MEDIA_ROOT": folder}
                command = [sys.executable, "-m", "benchmarks.importing", "--import-once", str(path)]
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
                took = json.loads(done.stdout)
                if took["error"]:
                    sys.exit(took["error"])
                print(
                    f"{rows:>9,}  {name:<7}{took['seconds']:>8.1f}{took['rows'] / took['seconds']:>9,.0f}"
                    f"{took['peak']:>9.0f}  {'/'.join(f'{n:,}' for n in took['counts'])}",
                    flush=True,
                )
            clear()


if __name__ == "__main__":
    main()
